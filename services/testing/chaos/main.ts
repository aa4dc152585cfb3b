// node dist/services/testing/chaos/main.js [--jobs N] [--seed S] [--faults a,b] [--short] [--kafka-version V] [--json] [--keep DIR]
// Chaos on the real parts; prints the report and ends with 1 when anything does not hold.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { developmentCommand, progress, wholeNumber } from '../development-command.js';
import { allFaults } from './faults/all-faults.js';
import { fullProfile, shortProfile } from './profiles.js';
import { chaosText } from './render.js';
import { runChaos } from './run-chaos.js';

const names = allFaults.map(({ name }) => name);
const values = developmentCommand('chaos', 'Jobs on a Kafka, registry and Postgres of its own while storms of faults strike every service; then heals, drains and verifies. Ends with 1 when anything does not hold. What each fault shows: docs/chaos.md.', [
  'npm run chaos -- --short', 'npm run chaos -- --jobs 3000 --faults kill,postgres --seed 7',
])
  .addOption(wholeNumber('--jobs <n>', 'jobs to submit (default: 20,000; with --short 1,500)', 1))
  .addOption(wholeNumber('--seed <n>', 'of the storms; default: another one each time, which the report names', 1, Date.now() % 100_000 + 1))
  .option('--faults <names>', `only these, of: ${names.join(', ')}`, faultNames)
  .option('--short', 'two storms, about a minute')
  .option('--kafka-version <version>', 'of the broker, e.g. 3.9.1')
  .option('--json', 'the whole report as JSON')
  .option('--keep <folder>', 'keeps data and report there')
  .parse().opts<{ jobs?: number; seed: number; faults?: readonly string[]; short?: boolean; kafkaVersion?: string; json?: boolean; keep?: string }>();

function faultNames(text: string): readonly string[] {
  const chosen = text.split(',');
  const unknown = chosen.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no ${unknown.join(', ')}; there are ${names.join(', ')}.`);
  return chosen;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main();

async function main(): Promise<number> {
  const dir = values.keep === undefined ? undefined : resolve(values.keep);
  if (dir !== undefined) mkdirSync(dir, { recursive: true });
  const report = await runChaos({
    ...(values.short ? shortProfile(values.jobs) : fullProfile(values.jobs)), seed: values.seed, kafkaVersion: values.kafkaVersion, dir, say: progress({ isOneLine: true }),
    faults: allFaults.filter(({ name }) => values.faults?.includes(name) ?? true),
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (dir !== undefined) writeFileSync(join(dir, 'report.json'), JSON.stringify(report, null, 1));
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : chaosText(report));
  return report.ok ? 0 : 1;
}
