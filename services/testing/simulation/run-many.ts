// Many seeds, spread over worker threads: each seed is a run of its own, and runs of one thread never overlap.

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
  if (workers <= 1) return runHere({ seeds, file }, onReport, signal);
  const shares = Array.from({ length: workers }, (_, worker) => seeds.filter((_seed, index) => index % workers === worker)).filter((share) => share.length > 0);
  await Promise.all(shares.map((share) => runThere({ seeds: share, file }, onReport, signal)));
}

interface Share {
  readonly seeds: readonly number[];
  readonly file: string | undefined;
}

async function runHere({ seeds, file }: Share, onReport: (report: SeedReport) => void, signal?: AbortSignal): Promise<void> {
  const scenario = file === undefined ? builtInScenario : await loadUserScenario(file);
  for (const [index, seed] of seeds.entries()) {
    if (signal?.aborted === true) return;
    onReport(await runSeed(seed, scenario, file !== undefined && index < twiceMax));
    // Between runs the event loop turns: reports go out, a signal can stop us.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function runThere(share: Share, onReport: (report: SeedReport) => void, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: share });
    worker.on('message', (report: SeedReport) => { if (signal?.aborted !== true) onReport(report); });
    const end = (): void => { void worker.terminate(); };
    signal?.addEventListener('abort', end, { once: true });
    worker.once('error', reject);
    worker.once('exit', (code) => { if (code === 0 || signal?.aborted === true) resolve(); else reject(new Error(`a worker of the simulation ended with ${code}`)); });
  });
}

if (!isMainThread && parentPort !== null && Array.isArray((workerData as { seeds?: unknown } | null)?.seeds)) {
  const port = parentPort;
  await runHere(workerData as Share, (report) => { port.postMessage(report); });
}
