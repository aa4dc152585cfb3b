// How fast a log is verified: `node dist/services/testing/measure-verify.js [--events 1000000] [--partitions 8]
// [--out FILE]`. Makes an honest log, verifies it phase by phase, and keeps it as a recorded file where asked.

import { parseArgs } from 'node:util';
import { decidedAgain } from '../../replay/take-again.js';
import { openRecordedFile, writeRecordedFile } from '../../replay/recorded-file.js';
import { HeldLog } from '../../replay/golden-file.js';
import { verifyLog } from '../verify/verify-log.js';
import { writeHonestLog } from './honest-log.js';
import { codec, contracts, keyring, topics } from './simulation/blackboard-of-seed.js';

const { values } = parseArgs({ options: { events: { type: 'string', default: '1000000' }, partitions: { type: 'string', default: '8' }, out: { type: 'string' } } });
const events = Number(values.events);
const partitions = Number(values.partitions);
const log = new HeldLog(topics, partitions);
const say = (what: string, ms: number, records: number): void => {
  console.log(`${what.padEnd(46)} ${(ms / 1000).toFixed(1).padStart(6)} s ${(cpuMs() / 1000).toFixed(1).padStart(6)} s CPU ${Math.round(records / (ms / 1000)).toLocaleString('en').padStart(9)} records/s`);
};
let countedMs = 0;
/** CPU time since the last call: on a busy machine it says more than the clock. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  const sinceMs = (user + system) / 1000 - countedMs;
  countedMs += sinceMs;
  return sinceMs;
}

const madeMs = performance.now();
writeHonestLog(log, { events, partitions });
const sizes = await Promise.all([topics.quarantine, topics.verified].map(async (topic) => (await log.ranges(topic)).reduce((sum, { next }) => sum + next, 0)));
const records = sizes.reduce((sum, size) => sum + size, 0);
say(`made ${sizes[0]} claims, ${sizes[1]} facts`, performance.now() - madeMs, records);

const plain = await verifyLog({ log, topics, codec, keyring, isAtRest: true });
say('checked records, signatures, rules of jobs', plain.elapsedMs, records);
const report = await verifyLog({ log, topics, codec, keyring, isAtRest: true, again: decidedAgain({ log, topics, codec }, { contracts, keyring }) });
say(`with every decision taken again: ${report.ok ? 'all holds' : 'NOT all holds'}`, report.elapsedMs, records);
if (values.out !== undefined) {
  const writtenMs = performance.now();
  await writeRecordedFile(values.out, { log, topics, codec }, { name: 'honest', reason: 'measured' });
  say(`kept in ${values.out}`, performance.now() - writtenMs, records);
  const readMs = performance.now();
  const recorded = await openRecordedFile(values.out);
  say('read back', performance.now() - readMs, records);
  say('verified from it', (await verifyLog({ ...recorded, keyring, isAtRest: true })).elapsedMs, records);
}
for (const row of report.rows) if (row.result === 'FAIL') console.log(row.invariant, row.findings[0]);
console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB, the log included`);
process.exitCode = report.ok ? 0 : 1;
