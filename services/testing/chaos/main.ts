// node dist/services/testing/chaos/main.js [--jobs N] [--seed S] [--faults a,b] [--short] [--kafka-version V] [--json] [--keep DIR]
// Chaos on the real parts; prints the report and ends with 1 when anything does not hold.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { allFaults } from './faults/all-faults.js';
import { fullProfile, shortProfile } from './profiles.js';
import { chaosText } from './render.js';
import { runChaos } from './run-chaos.js';

const { values } = parseArgs({ options: {
  jobs: { type: 'string' }, seed: { type: 'string', default: String(Date.now() % 100_000) }, faults: { type: 'string' }, short: { type: 'boolean', default: false },
  'kafka-version': { type: 'string' }, json: { type: 'boolean', default: false }, keep: { type: 'string' }, help: { type: 'boolean', default: false },
} });

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(`chaos [--jobs N] [--seed S] [--faults ${allFaults.map(({ name }) => name).join(',')}] [--short] [--kafka-version 3.9.1] [--json] [--keep DIR]\n`);
    return 0;
  }
  const jobs = values.jobs === undefined ? undefined : Number(values.jobs);
  const names = values.faults?.split(',');
  const unknown = names?.filter((name) => allFaults.every((fault) => fault.name !== name)) ?? [];
  if (![jobs ?? 1, Number(values.seed)].every((number) => Number.isSafeInteger(number) && number > 0) || unknown.length > 0) {
    process.stderr.write(`chaos: --jobs and --seed are whole numbers from 1; --faults are some of ${allFaults.map(({ name }) => name).join(', ')}${unknown.length > 0 ? ` (not ${unknown.join(', ')})` : ''}\n`);
    return 2;
  }
  const dir = values.keep === undefined ? undefined : resolve(values.keep);
  if (dir !== undefined) mkdirSync(dir, { recursive: true });
  const startedMs = Date.now();
  const line = process.stderr.isTTY ? (text: string) => `\r\u001b[2K${text}` : (text: string) => `${text}\n`;
  const say = (text: string): void => { process.stderr.write(line(`[${((Date.now() - startedMs) / 1000).toFixed(0).padStart(4)} s] ${text}`)); };
  const report = await runChaos({
    ...(values.short ? shortProfile(jobs) : fullProfile(jobs)), seed: Number(values.seed), kafkaVersion: values['kafka-version'], dir, say,
    faults: allFaults.filter(({ name }) => names?.includes(name) ?? true),
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (dir !== undefined) writeFileSync(join(dir, 'report.json'), JSON.stringify(report, null, 1));
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : chaosText(report));
  return report.ok ? 0 : 1;
}
