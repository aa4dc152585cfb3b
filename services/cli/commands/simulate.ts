import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { readNumber } from '../read-params.js';
import { saying } from '../open-world.js';

interface SimulateCommandOptions extends JsonOption {
  readonly workflow?: string;
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly workers: number;
  readonly stop?: boolean;
}

/** The simulation, as this command calls it: it ships, and no process imports it but by its path, when asked to. */
interface Simulating {
  simulate(options: {
    readonly seeds: number; readonly from: number; readonly workers: number; readonly file?: string; readonly stopAtFailure: boolean; readonly json: boolean;
    readonly repeat: (seed: number) => string; readonly out: (text: string) => void; readonly onProgress: (text: string) => void; readonly signal: AbortSignal;
  }): Promise<{ readonly failed: number }>;
}

export const addSimulate: AddCommand = (program, context) => {
  const command = withJson(program.command('simulate'))
    .description('run a workflow under seeded faults, in virtual time, and check every invariant and your expectations')
    .option('--workflow <file>', 'your workflow, contracts and agents (docs/simulate.md); without it, the scenario that the runtime itself is tested with')
    .option('--seeds <n>', 'how many runs; each has its own faults', readNumber('--seeds', 1, 10_000_000), 100)
    .option('--from <n>', 'the first seed', readNumber('--from', 0, 2 ** 32), 1)
    .option('--seed <n>', 'this seed alone: repeats a run, event for event', readNumber('--seed', 0, 2 ** 32))
    .option('--workers <n>', 'threads', readNumber('--workers', 1, 256), Math.min(2, availableParallelism()))
    .option('--stop', 'end with the first seed that fails')
    .action((options: SimulateCommandOptions) => runSimulation(options, context));
  examples(command, [
    ['blackboard simulate --workflow ./checkout.mjs --seeds 200', 'Crashes, lost and late writes, forged claims, slow, failing and silent agents: 200 runs'],
    ['blackboard simulate --workflow ./checkout.mjs --seed 17', 'Seed 17 again: the same history, byte for byte'],
    ['blackboard simulate --seeds 1000 --json', 'The built-in scenario, for the record'],
  ], 'Ends with 6 when an invariant or an expectation is broken, 2 when the file is wrong (every problem is named).');
};

async function runSimulation(options: SimulateCommandOptions, { terminal, stopped, finish }: CliContext): Promise<void> {
  const { workflow: file, seed, workers } = options;
  if (file !== undefined && !existsSync(file)) throw new CliError('notFound', `--workflow: there is no file ${file}`);
  const { simulate } = await import(new URL('../../testing/simulation/simulate.js', import.meta.url).href) as Simulating;
  const { say, done } = saying(terminal);
  const { failed } = await simulate({
    seeds: seed === undefined ? options.seeds : 1, from: seed ?? options.from, workers: seed === undefined ? workers : 1, stopAtFailure: options.stop === true, json: options.json === true,
    ...(file === undefined ? {} : { file }), signal: stopped,
    repeat: (failing) => `blackboard simulate${file === undefined ? '' : ` --workflow ${relative(process.cwd(), file)}`} --seed ${failing}`,
    out: (text) => { done(); terminal.out(text); }, onProgress: say,
  });
  done();
  finish(stopped.aborted ? exitCodes.interrupted : failed === 0 ? exitCodes.ok : exitCodes.diverged);
}
