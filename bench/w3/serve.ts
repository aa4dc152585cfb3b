// The driver's side of the runner's protocol: a measurement per line of JSON on stdin, its figures on stdout.

import { createInterface } from 'node:readline';
import { measure, type JobSystem, type Measurement } from './measure.js';

export type Answer = { readonly ready: readonly string[] } | { readonly figures: Readonly<Record<string, number>> } | { readonly error: string };

/** Serves until stdin ends, then closes the system. */
export async function serve(open: () => Promise<JobSystem>): Promise<void> {
  const say = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  let system: JobSystem;
  try {
    system = await open();
  } catch (error) {
    say({ error: describe(error) });
    process.exitCode = 1;
    return;
  }
  say({ ready: system.about });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say({ figures: await measure(system, JSON.parse(line) as Measurement) });
    } catch (error) {
      say({ error: describe(error) });
    }
  }
  await system.close();
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
