// While a simulation runs, the process has no clock, no dice and no network but its own. Whoever reaches for the
// real ones is a bug in what runs, and is told so where it happens; agents that are a user's own get virtual ones.

import { installVirtualTime, type VirtualTime } from './virtual-time.js';

export interface Effects {
  random(): number;
  fetch(url: string, init: RequestInit): Promise<unknown>;
  /** Absent: the clock and timers of the platform are refused. */
  readonly time?: VirtualTime;
}

const forbidden = ['setTimeout', 'setInterval', 'setImmediate'] as const;

/** Puts a run's effects in place of the machine's; the answer puts the machine's back. */
export function installVirtualGlobals(effects: Effects): () => void {
  const { random } = Math;
  const { fetch } = globalThis;
  Math.random = () => effects.random();
  globalThis.fetch = ((url: string, init: RequestInit) => effects.fetch(url, init)) as unknown as typeof fetch;
  const restoreTime = effects.time === undefined ? refuseTime() : installVirtualTime(effects.time);
  return () => {
    Math.random = random;
    globalThis.fetch = fetch;
    restoreTime();
  };
}

function refuseTime(): () => void {
  const { now } = Date;
  const timers = forbidden.map((name) => [name, globalThis[name]] as const);
  const performanceNow = performance.now.bind(performance);
  Date.now = () => refuse('Date.now');
  performance.now = () => refuse('performance.now');
  for (const [name] of timers) (globalThis as Record<string, unknown>)[name] = () => refuse(name);
  return () => {
    Date.now = now;
    performance.now = performanceNow;
    for (const [name, timer] of timers) (globalThis as Record<string, unknown>)[name] = timer;
  };
}

function refuse(what: string): never {
  throw new Error(`${what} was called in a simulation: take it from the effects that are handed in`);
}
