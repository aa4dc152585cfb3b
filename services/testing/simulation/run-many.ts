// Many seeds, spread over worker threads that live as long as there are seeds, each taking the next when it is free:
// each seed is a run of its own, and runs of one thread never overlap.

import { setFlagsFromString } from 'node:v8';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { builtInScenario } from './built-in-scenario.js';
import { runSeed, type SeedReport } from './run-seed.js';
import { loadUserScenario } from './user-scenario.js';

export interface ManySeeds {
  readonly seeds: readonly number[];
  readonly workers: number;
  /** A workflow file to play; absent: the built-in scenario. */
  readonly file?: string;
  /** Ends what is left; seeds under way in this thread end first. */
  readonly signal?: AbortSignal;
  onReport(report: SeedReport): void;
}

/** A user's file is played twice for so many seeds of each worker: the two histories must agree. */
const twiceMax = 2;

/** Resolves when all have run. @throws what a worker dies of. */
export async function runMany({ seeds, workers, file, signal, onReport }: ManySeeds): Promise<void> {
  const left = seeds[Symbol.iterator]();
  const next = (): number | null => {
    const { value, done } = left.next();
    return done === true || signal?.aborted === true ? null : value;
  };
  if (workers <= 1) return runHere(() => Promise.resolve(next()), file, onReport);
  // Each worker compiles for itself, for its first hundred seeds: with less put into one function, a seventh less of them.
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${inlinedBytesMax}`);
  // As many workers as processors: helpers of their collectors would only take the time of other workers.
  for (const flag of collectorFlags) setFlagsFromString(flag);
  const count = Math.min(workers, seeds.length);
  await Promise.all(Array.from({ length: count }, () => runThere({ next, file }, onReport, signal)));
}

/** Takes one seed after the other, until there is none. */
async function runHere(next: () => Promise<number | null>, file: string | undefined, onReport: (report: SeedReport) => void): Promise<void> {
  const scenario = file === undefined ? builtInScenario : await loadUserScenario(file);
  let played = 0;
  for (let seed = await next(); seed !== null; seed = await next()) {
    onReport(await runSeed(seed, scenario, file !== undefined && played < twiceMax));
    played += 1;
    // Between runs the event loop turns: reports go out, a signal can stop us.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Given {
  readonly file: string | undefined;
}

/** Seeds that a worker has in hand beside the one it plays: it never waits for the next. */
const aheadMax = 2;
/** Bytecode that the compiler puts into one function at the most; its own default is 920. */
const inlinedBytesMax = 250;
const collectorFlags = ['--no-parallel-scavenge', '--no-concurrent-marking', '--no-concurrent-sweeping'] as const;
/** A run's garbage is young: with room for it, next to nothing of it is ever moved. */
const youngMiB = 96;

function runThere({ next, file }: Given & { readonly next: () => number | null }, onReport: (report: SeedReport) => void, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { file, isPlayer: true }, resourceLimits: { maxYoungGenerationSizeMb: youngMiB } });
    worker.on('message', (report: SeedReport) => {
      worker.postMessage(next());
      if (signal?.aborted !== true) onReport(report);
    });
    for (let ahead = 0; ahead < aheadMax; ahead += 1) worker.postMessage(next());
    const end = (): void => { void worker.terminate(); };
    signal?.addEventListener('abort', end, { once: true });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      signal?.removeEventListener('abort', end);
      if (code === 0 || signal?.aborted === true) resolve();
      else reject(new Error(`a worker of the simulation ended with ${code}`));
    });
  });
}

if (!isMainThread && parentPort !== null && (workerData as { isPlayer?: unknown } | null)?.isPlayer === true) {
  const port = parentPort;
  const given: (number | null)[] = [];
  let wake = (): void => undefined;
  port.on('message', (seed: number | null) => {
    given.push(seed);
    wake();
  });
  const next = async (): Promise<number | null> => {
    while (given.length === 0) await new Promise<void>((resolve) => { wake = resolve; });
    return given.shift() as number | null;
  };
  await runHere(next, (workerData as Given).file, (report) => { port.postMessage(report); });
  port.close();
}
