// Words of general technical English that people exchange freely: a question says "max", its document "at most".
// A closed list on purpose: no names, nothing of one subject. Words of a line stand for each other.

import { stemOf } from './terms.js';

const groups = `
default preset standard
stop halt cancel abort terminate
end finish complete conclude
close shut disconnect
begin start launch boot initialise initialize init
create build generate construct produce
error exception failure fail fault problem wrong
throw raise reject exception
maximum max limit most upper cap longest largest highest
minimum min least lower smallest lowest shortest
remove delete drop clear erase strip discard
add append insert register attach
set configure specify define assign
configuration config setting option
argument arg parameter param
return yield output result
allow permit enable support accept
enable activate switch
disable deactivate suppress switch
forbid prohibit deny prevent block disallow
change modify alter update edit mutate
replace substitute override swap
show display print output render
run execute invoke call trigger fire
fast quick speed performance
slow performance overhead latency impact
cost expensive overhead price
danger risk warning caution unsafe insecure hazard harm
lose lost miss drop
wait delay pause sleep
retry attempt repeat
time duration period interval
time timestamp date
expire elapse timeout
size length bytes big large long
small tiny short
number count amount quantity
number integer numeric
directory folder dir
request req
body payload
response res reply
environment env
function method callback handler
property field attribute member
kind type
merge combine join concatenate
split separate divide
order sequence sort
ignore skip omit disregard
omit missing absent unspecified specified undefined
required mandatory must
check validate verify
test simulate check run
parse decode interpret
serialize encode stringify
write save store persist
read load fetch retrieve
flush sync fsync
store hold save cache
need require
compatible support
handle process support
old legacy deprecated earlier previous
new latest recent
user caller client consumer
parallel concurrent simultaneous
synchronous sync
asynchronous async
connection socket
hide mask redact censor conceal
secret password sensitive credential
text string
array list
empty blank
inactive idle
active open listening
copy clone duplicate
full exceed
prefer instead recommend
memory ram heap
database db
convert transform translate
send emit transmit deliver publish
receive accept
contain include
search lookup query find
crash outage failure cut
invalid illegal malformed
valid legal
information info details
administrator admin
application app
address host
unit seconds milliseconds
bind listen
automatic implicit
explicit manual
place location position
complain warn error
`;

const byStem = new Map<string, ReadonlySet<string>>();
for (const line of groups.trim().split('\n')) {
  const stems = line.split(' ').map(stemOf);
  for (const stem of stems) byStem.set(stem, new Set([...(byStem.get(stem) ?? []), ...stems.filter((other) => other !== stem)]));
}

const none: ReadonlySet<string> = new Set();

/** Terms that may stand for a term; empty for most. */
export function synonymsOf(term: string): ReadonlySet<string> {
  return byStem.get(term) ?? none;
}
