// node dist/services/testing/simulation/main.js --seeds N [--from S] [--workers W] [--load chain|mixed | --workflow FILE] [--json] [--stop]
// Runs seeds; prints speed, faults, what was reached and what not, and each violation with the command that repeats it.

import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { developmentCommand, wholeNumber } from '../development-command.js';
import { loads, type Load } from './load.js';
import { simulate } from './simulate.js';

const values = developmentCommand('simulate', 'The runtime under seeded faults in virtual time, with every invariant checked after each run. Ends with 1 when a seed fails, and prints the command that repeats it.', [
  'npm run simulate -- --seeds 1000', 'npm run simulate -- --seeds 2000 --load chain', 'npm run simulate -- --seeds 1 --from 477 --workers 1', 'npm run simulate -- --workflow examples/checkout/checkout.mjs',
])
  .addOption(wholeNumber('--seeds <n>', 'how many', 1, 100))
  .addOption(wholeNumber('--from <n>', 'the first one', 0, 1))
  .addOption(wholeNumber('--workers <n>', 'threads', 1, Math.min(2, availableParallelism())))
  .addOption(new Option('--load <load>', 'seeds of this load alone: four plain steps a job, or plans, verifiers and steps side by side').choices(loads))
  .addOption(new Option('--workflow <file>', 'a workflow file of your own; docs/simulate.md').conflicts('load'))
  .option('--stop', 'end at the first seed that fails')
  .option('--json', 'the report as JSON')
  .parse().opts<{ seeds: number; from: number; workers: number; workflow?: string; load?: Load; stop?: boolean; json?: boolean }>();
const { seeds, from, workers } = values;

const self = relative(process.cwd(), fileURLToPath(import.meta.url));
const { failed } = await simulate({
  seeds, from, workers, json: values.json ?? false, stopAtFailure: values.stop ?? false, ...(values.workflow === undefined ? {} : { file: values.workflow }), ...(values.load === undefined ? {} : { load: values.load }),
  repeat: (seed) => `node ${self} --seeds 1 --from ${seed}${values.workflow === undefined ? '' : ` --workflow ${values.workflow}`}`,
  out: (text) => { process.stdout.write(text); },
  onProgress: (text) => { process.stderr.write(`${text}\n`); },
});
process.exitCode = failed === 0 ? 0 : 1;
