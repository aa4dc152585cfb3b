// Storms and quiet periods: each fault strikes at its own drawn intervals while a storm lasts, and never between.

import { setTimeout as sleep } from 'node:timers/promises';
import { Dice } from '../simulation/dice.js';
import { seenIn, type Fault } from './faults/fault.js';
import type { World } from './world.js';

export interface Pace {
  readonly stormMs: number;
  readonly quietMs: number;
  /** Intervals of all faults are multiplied by it. */
  readonly haste: number;
}

export interface Struck {
  /** Strikes that took place. */
  readonly times: Map<string, number>;
  storms: number;
}

/** Haste never brings a fault more often than this. */
const strikeEveryMsMin = 2_000;

/** Storms go on, and jobs with them, for faults of which no effect was seen yet; up to so many in all. */
const stormsMax = 6;

interface Weather {
  isStorm: boolean;
  isOver: boolean;
}

/** Storms until the plan of the load is sent, whatever it takes, and each fault was seen; resolves when the last strike is over. */
export async function weather(world: World, faults: readonly Fault[], pace: Pace): Promise<Struck> {
  const state: Weather = { isStorm: false, isOver: false };
  const struck: Struck = { times: new Map(faults.map(({ name }) => [name, 0])), storms: 0 };
  const loops = faults.map((fault, index) => strikes(fault, { world, state, struck, haste: pace.haste, dice: new Dice(world.options.seed * 1_000 + index) }));
  const isOwed = (): boolean => {
    const seen = seenIn(world);
    return faults.some((fault) => (struck.times.get(fault.name) ?? 0) === 0 || fault.effects(seen) === 0 || fault.isOwed?.(world) === true);
  };
  while (!world.load.isPlanSent || (isOwed() && struck.storms < stormsMax)) {
    state.isStorm = true;
    struck.storms += 1;
    world.options.say(`storm ${struck.storms}`);
    await until(pace.stormMs, () => world.load.isPlanSent && !isOwed());
    state.isStorm = false;
    world.options.say('quiet');
    await until(pace.quietMs, () => world.load.isPlanSent);
  }
  state.isOver = true;
  await Promise.all(loops);
  return struck;
}

interface Loop {
  readonly world: World;
  readonly state: Weather;
  readonly struck: Struck;
  readonly haste: number;
  readonly dice: Dice;
}

async function strikes(fault: Fault, { world, state, struck, haste, dice }: Loop): Promise<void> {
  const [least, most] = fault.everyMs;
  // The first strike of each comes early in a storm, at another moment for each.
  let waitMs = dice.between(1_000, Math.min(12_000, most)) * haste;
  while (!state.isOver) {
    await until(waitMs, () => state.isOver);
    if (state.isOver || (struck.times.get(fault.name) ?? 0) >= (fault.timesMax ?? Infinity)) return;
    waitMs = 100;
    if (!state.isStorm) continue;
    try {
      if (!(await fault.strike(world, dice))) {
        waitMs = 500;
        continue;
      }
      struck.times.set(fault.name, (struck.times.get(fault.name) ?? 0) + 1);
    } catch (error) {
      throw new Error(`the fault "${fault.name}" could not be made: ${(error as Error).message}`, { cause: error });
    }
    waitMs = Math.max(strikeEveryMsMin, dice.between(least, most) * haste);
  }
}

/** Waits, in small steps, until the time is over or something holds. */
async function until(ms: number, holds: () => boolean): Promise<void> {
  for (const endMs = Date.now() + ms; Date.now() < endMs && !holds();) await sleep(Math.min(100, Math.max(1, endMs - Date.now())));
}
