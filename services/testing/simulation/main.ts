// node dist/services/testing/simulation/main.js --seeds N [--from S] [--workers W] [--workflow FILE] [--json] [--stop]
// Runs seeds; prints speed, faults, what was reached and what not, and each violation with the command that repeats it.

import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const { values } = parseArgs({ options: {
  seeds: { type: 'string', default: '100' }, from: { type: 'string', default: '1' }, workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  workflow: { type: 'string' }, json: { type: 'boolean', default: false }, stop: { type: 'boolean', default: false },
} });
const seeds = Number(values.seeds);
const from = Number(values.from);
const workers = Number(values.workers);
if (![seeds, from, workers].every((number) => Number.isSafeInteger(number) && number >= 0) || seeds < 1 || workers < 1) {
  process.stderr.write('simulate: --seeds, --from and --workers are whole numbers, e.g. --seeds 1000 --from 1 --workers 2\n');
  process.exit(2);
}

const self = relative(process.cwd(), fileURLToPath(import.meta.url));
const { failed } = await simulate({
  seeds, from, workers, json: values.json, stopAtFailure: values.stop, ...(values.workflow === undefined ? {} : { file: values.workflow }),
  repeat: (seed) => `node ${self} --seeds 1 --from ${seed}${values.workflow === undefined ? '' : ` --workflow ${values.workflow}`}`,
  out: (text) => { process.stdout.write(text); },
  onProgress: (text) => { process.stderr.write(`${text}\n`); },
});
process.exitCode = failed === 0 ? 0 : 1;
