// node dist/services/testing/hostile/main.js [--records N] [--seed S] [--rate R] [--honest R] [--strikes N] [--calm S] [--json]
// Forged and malformed records among honest traffic, on real servers; prints what became of each kind and what it cost.

import { developmentCommand, progress, wholeNumber } from '../development-command.js';
import { hostileText } from './render.js';
import { runHostile } from './run-hostile.js';

const values = developmentCommand('hostile', 'Forged and malformed records of every kind, sent with real credentials among honest jobs on real servers. Each must meet its one right answer; prints what became of each kind and what it cost the honest jobs.', [
  'npm run hostile', 'npm run hostile -- --records 5000 --strikes 1 --calm 5',
])
  .addOption(wholeNumber('--records <n>', 'hostile records in all', 1, 100_000))
  .addOption(wholeNumber('--seed <n>', 'of what is sent in which order', 1, 1))
  .addOption(wholeNumber('--rate <n>', 'hostile records a second: four for each honest job unless told', 1, 200))
  .addOption(wholeNumber('--honest <n>', 'honest jobs a second', 1, 50))
  .addOption(wholeNumber('--strikes <n>', 'hostile phases, each between two calm ones', 1, 5))
  .addOption(wholeNumber('--calm <seconds>', 'length of a calm phase', 1, 30))
  .option('--json', 'the whole report as JSON')
  .parse().opts<{ records: number; seed: number; rate: number; honest: number; strikes: number; calm: number; json?: boolean }>();
const { records, seed, rate: ratePerSecond, honest: honestPerSecond, strikes, calm: calmSeconds } = values;
const report = await runHostile({
  records, seed, ratePerSecond, honestPerSecond, strikes, calmMs: calmSeconds * 1000,
  say: progress(),
});
process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : hostileText(report));
process.exitCode = report.ok ? 0 : 1;
