import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnerEffects } from './owner-effects.js';

/** The machine's own clock and dice; everything else of an owner's effects is the caller's. */
export const machineEffects: Pick<OwnerEffects, 'random' | 'sleep' | 'monotonicMs' | 'setTimer'> = {
  random: Math.random,
  sleep: async (ms) => { await sleep(ms); },
  monotonicMs: () => performance.now(),
  setTimer: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};
