// node dist/services/testing/hostile/main.js [--records N] [--seed S] [--rate R] [--honest R] [--strikes N] [--calm S] [--json]
// Forged and malformed records among honest traffic, on real servers; prints what became of each kind and what it cost.

import { parseArgs } from 'node:util';
import { hostileText } from './render.js';
import { runHostile } from './run-hostile.js';

const { values } = parseArgs({ options: {
  records: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' }, rate: { type: 'string', default: '500' }, honest: { type: 'string', default: '50' },
  strikes: { type: 'string', default: '5' }, calm: { type: 'string', default: '30' }, json: { type: 'boolean', default: false },
} });
const [records, seed, ratePerSecond, honestPerSecond, strikes, calmSeconds] = [values.records, values.seed, values.rate, values.honest, values.strikes, values.calm].map(Number) as [number, number, number, number, number, number];
if (![records, seed, ratePerSecond, honestPerSecond, strikes, calmSeconds].every((number) => Number.isSafeInteger(number) && number >= 1)) {
  process.stderr.write('hostile: --records, --seed, --rate, --honest (a second), --strikes and --calm (seconds) are whole numbers of 1 or more\n');
  process.exit(2);
}
const startedMs = performance.now();
const report = await runHostile({
  records, seed, ratePerSecond, honestPerSecond, strikes, calmMs: calmSeconds * 1000,
  say: (line) => void process.stderr.write(`[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s] ${line}\n`),
});
process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : hostileText(report));
process.exitCode = report.ok ? 0 : 1;
