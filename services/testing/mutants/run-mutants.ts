// node dist/services/testing/mutants/run-mutants.js [--seeds N] [--only id,…] [--json]
// Plants each bug of the catalogue, one at a time, and counts the seeds until the simulation sees it.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutants, type Mutant } from './mutants.js';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '200' }, only: { type: 'string', default: '' }, json: { type: 'boolean', default: false } } });

interface Caught {
  readonly id: string;
  readonly breaks: string;
  /** Seeds run until it was seen; -1: it was not. */
  readonly seeds: number;
  readonly by: readonly string[];
  readonly error: string;
}

interface RunOutput {
  readonly seeds: number;
  readonly failures: readonly { readonly violations: readonly { readonly invariant: string }[] }[];
}

const chosen = values.only === '' ? mutants : mutants.filter(({ id }) => values.only.split(',').includes(id));
const waiting = [...chosen];
const results: Caught[] = [];
await Promise.all([next(), next()]);

const caught = results.filter(({ seeds }) => seeds > 0);
const median = caught.map(({ seeds }) => seeds).sort((a, b) => a - b)[Math.floor(caught.length / 2)] ?? 0;
if (values.json) process.stdout.write(`${JSON.stringify({ caught: caught.length, total: results.length, median, results })}\n`);
else process.stdout.write(`${caught.length} of ${results.length} planted bugs caught, median ${median} seeds\n`);
process.exitCode = caught.length === results.length ? 0 : 1;

async function next(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const result = await plant(mutant);
    results.push(result);
    if (!values.json) process.stdout.write(`${result.id.padEnd(40)} ${result.breaks.padEnd(8)} ${result.seeds < 0 ? 'NOT CAUGHT' : `seed ${result.seeds}`}  ${result.by.join(' ')}${result.error}\n`);
  }
}

function plant(mutant: Mutant): Promise<Caught> {
  return new Promise((resolve) => {
    const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
    const child = spawn(process.execPath, ['--import', at('./mutant-loader.js'), at('../simulation/main.js'), '--seeds', values.seeds, '--workers', '1', '--stop', '--json'], { env: { ...process.env, BLACKBOARD_MUTANT: mutant.id } });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    child.once('close', () => {
      const about = { id: mutant.id, breaks: mutant.breaks };
      try {
        const { seeds, failures } = JSON.parse(out) as RunOutput;
        const by = [...new Set(failures.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)))].sort();
        resolve({ ...about, seeds: failures.length > 0 ? seeds : -1, by, error: '' });
      } catch {
        // The bug broke the run itself: no report came, and why is in what it said last.
        resolve({ ...about, seeds: -1, by: [], error: err.slice(0, 300) });
      }
    });
  });
}
