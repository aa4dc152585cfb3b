// Many seeds, spread over worker threads: each seed is a run of its own, and runs of one thread never overlap.

import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { runSeed, type SeedReport } from './run-seed.js';

export interface ManySeeds {
  readonly seeds: readonly number[];
  readonly workers: number;
  onReport(report: SeedReport): void;
}

/** Resolves when all have run. @throws what a worker dies of. */
export async function runMany({ seeds, workers, onReport }: ManySeeds): Promise<void> {
  if (workers <= 1) return runHere(seeds, onReport);
  const shares = Array.from({ length: workers }, (_, worker) => seeds.filter((_seed, index) => index % workers === worker)).filter((share) => share.length > 0);
  await Promise.all(shares.map((share) => runThere(share, onReport)));
}

async function runHere(seeds: readonly number[], onReport: (report: SeedReport) => void): Promise<void> {
  for (const seed of seeds) {
    onReport(await runSeed(seed));
    // Between runs the event loop turns: reports go out, a signal can stop us.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function runThere(seeds: readonly number[], onReport: (report: SeedReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { seeds } });
    worker.on('message', onReport);
    worker.once('error', reject);
    worker.once('exit', (code) => { if (code === 0) resolve(); else reject(new Error(`a worker of the simulation ended with ${code}`)); });
  });
}

if (!isMainThread && parentPort !== null && Array.isArray((workerData as { seeds?: unknown } | null)?.seeds)) {
  const port = parentPort;
  await runHere((workerData as { readonly seeds: readonly number[] }).seeds, (report) => { port.postMessage(report); });
}
