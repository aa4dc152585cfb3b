// Terms are what a question and a passage are compared by: lower-case stems, with identifiers such as
// `connectionTimeout` kept whole and also taken apart. One function for index, question and threshold.

const stopWords = new Set(
  ('a an the and or but if then else of in on at by for to from with into onto over under about as is are was were be been being am do does did done ' +
    'doing have has had having can could may might must shall should will would i you he she it we they me him her us them my your his its our their ' +
    'this that these those there here what which who whom whose when where why how than so such too very just also any all each every some other ' +
    'one ones own same both between during before after above below out up down off again further once more most not no nor only via per vs ' +
    'get gets getting got let lets make makes made making use used using uses work works working happen happens need needs way ways thing things ' +
    'show shows shown reach reaches become becomes come comes go goes put puts take takes say says know see seem seems try tries turn turns exist exists ' +
    'anything something everything nothing anyone someone everyone anybody somebody everybody ' +
    'without through never none instead rather while until since because whether within across around along among against although though already always ' +
    'ever even still yet maybe perhaps however therefore thus away turning putting giving taking coming ' +
    'often many much long few little good best different kind kinds sort sorts ' +
    'possible mean means want does tell explain describe please give given find').split(' '),
);

const words = /[\p{L}\p{N}_$][\p{L}\p{N}_$'’-]*(?:\.[\p{L}\p{N}_$]+)*/gu;

/** Every term of a text, in order, stop words left out; an identifier gives itself and its parts. */
export function termsOf(text: string): readonly string[] {
  return wordsOf(text).flatMap(({ whole, parts }) => (parts.length === 1 && parts[0] === whole ? parts : [...parts, whole]));
}

/** Distinct terms of a text. */
export function termSet(text: string): ReadonlySet<string> {
  return new Set(termsOf(text));
}

export interface Word {
  /** The whole word as one term. */
  readonly whole: string;
  /** Terms of its parts: those of `connectionTimeout` are two; of a plain word, itself. */
  readonly parts: readonly string[];
  /** Joined with hyphens as in prose: its parts say the same apart. */
  readonly hyphenated: boolean;
}

/** The words of a text with their parts, stop words left out; dots part words (`db.getKeys` is two). */
export function wordsOf(text: string): readonly Word[] {
  const found: Word[] = [];
  for (const [dotted] of text.normalize('NFC').replace(/https?:\/\/\S+|\]\([^)]*\)/g, ' ').matchAll(words)) {
    let known = memo.get(dotted);
    if (known === undefined) {
      known = dotted.split('.').flatMap(partsOf);
      if (memo.size >= memoMax) memo.clear();
      memo.set(dotted, known);
    }
    found.push(...known);
  }
  return found;
}

// Most words of a corpus are met often; what a word comes apart into depends on nothing else.
const memo = new Map<string, readonly Word[]>();
const memoMax = 50_000;

function partsOf(word: string): readonly Word[] {
  const split = word
    .replace(/['’]s?$/u, '')
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{L}{3,})(\p{N}{2,})/gu, '$1 $2')
    .split(/[\s_$'’-]+/u)
    .map((part) => part.toLowerCase())
    .filter((part) => part !== '');
  const parts = split.map((part) => irregular.get(part) ?? part).filter((part) => !stopWords.has(part)).map(stem);
  // A name of nothing but stop words ("find-my-way") is still a name.
  if (parts.length === 0 && split.length > 2) return [{ whole: split.join(''), parts: [split.join('')], hyphenated: false }];
  return parts.length === 0 ? [] : [{ whole: split.length === 1 ? (parts[0] as string) : split.join(''), parts, hyphenated: word.includes('-') }];
}

const irregular = new Map(
  (
    'began begin|begun begin|bent bend|bound bind|bought buy|broke break|broken break|brought bring|built build|came come|caught catch|chose choose|chosen choose|children child|' +
    'dealt deal|drawn draw|drew draw|driven drive|drove drive|fallen fall|fed feed|fell fall|felt feel|fought fight|flew fly|forgot forget|forgotten forget|found find|froze freeze|frozen freeze|' +
    'gave give|given give|gone go|got get|gotten get|grew grow|grown grow|heard hear|held hold|hid hide|hidden hide|indices index|kept keep|knew know|known know|laid lay|led lead|left leave|lent lend|lost lose|' +
    'made make|meant mean|met meet|paid pay|ran run|rose rise|risen rise|said say|saw see|seen see|sent send|shook shake|shot shoot|shown show|shut shut|sold sell|sought seek|spent spend|spoke speak|spoken speak|' +
    'stood stand|stole steal|stolen steal|struck strike|stuck stick|swept sweep|taken take|taught teach|thought think|threw throw|thrown throw|told tell|took take|tore tear|torn tear|understood understand|' +
    'went go|woke wake|woken wake|won win|wore wear|worn wear|written write|wrote write'
  )
    .split('|')
    .map((pair) => pair.split(' ') as [string, string]),
);

/** The term of one plain word, irregular forms included. */
export function stemOf(word: string): string {
  return stem(irregular.get(word) ?? word);
}

/** A light stem: plurals and the usual verb and adverb endings, never shorter than three letters. */
function stem(word: string): string {
  if (word.length <= 3 || /\d/.test(word)) return word;
  const singular = word.replace(/(?:ies)$/, 'y').replace(/(?<=(?:ss|sh|ch|x|z))es$/, '').replace(/(?<![su])s$/, '');
  const base = singular.replace(/(?:ization|isation)$/, 'ize').replace(/(?:ation|ations)$/, 'at').replace(/(?:ingly|edly|ing|ed|ly|er|ion)$/, '');
  const kept = base.length >= 3 && /[aeiouy]/.test(base) ? base : singular;
  return kept.replace(/([^aeiouls])\1$/, '$1').replace(/(?<=.{3})e$/, '').replace(/(?<=.{2}[^aeiou])y$/, 'i');
}
