// What the code of a run reaches when it reaches for the machine: dice, network, clock and timers of the run.

import { runningProcess } from './running-process.js';
import type { Effects } from './virtual-globals.js';
import type { World } from './world.js';

/** Where the gateway of every run is. */
export const gatewayUrl = 'http://gateway';

/** The simulation's own agents have no business with clock and timers; a user's get those of their process. */
export function effectsOf(world: World): Effects {
  const random = (): number => world.dice.next();
  if (world.scenario.own === null) return { random, fetch: (url, init) => world.gateway.fetch(url, init) };
  return {
    random,
    fetch: (url, init) => (String(url).startsWith(`${gatewayUrl}/`) ? world.gateway.fetch(url, init) : stray(world, url)),
    time: {
      nowMs: () => runningProcess.getStore()?.clock.nowMs() ?? Math.floor(world.scheduler.nowMs),
      later: (delayMs, action) => {
        const process = runningProcess.getStore();
        const guarded = (): void => {
          try {
            if (process === undefined) action();
            else runningProcess.run(process, action);
          } catch (error) {
            world.strays.add(`a timer of an agent threw, which would end its process: ${(error as Error).message}`);
          }
        };
        return process === undefined ? world.scheduler.at(delayMs, guarded) : process.later(delayMs, guarded);
      },
    },
  };
}

function stray(world: World, url: unknown): Promise<never> {
  const to = url instanceof Request ? url.url : String(url);
  world.strays.add(`an agent called fetch(${URL.canParse(to) ? new URL(to).origin : 'something'}): a run has no network; let "outside" stand in for it, or reach it through context.model`);
  return Promise.reject(new TypeError('fetch failed'));
}

/** Rejections that nobody handles end a process; a run tells them. The answer stops listening, once all have come. */
export function watchRejections(world: World): () => Promise<void> {
  if (world.scenario.own === null) return () => Promise.resolve();
  const onRejection = (reason: unknown): void => {
    world.strays.add(`a promise of an agent was rejected and nobody handled it, which would end its process: ${reason instanceof Error ? reason.message : String(reason)}`);
  };
  process.on('unhandledRejection', onRejection);
  return async () => {
    // They are told when no tick is left, which is after the run.
    await new Promise((resolve) => { setImmediate(resolve); });
    process.off('unhandledRejection', onRejection);
  };
}
