// While a simulation runs, the process has no clock, no dice and no network but its own. Whoever reaches for the
// real ones is a bug in what runs, and is told so where it happens.

interface Effects {
  random(): number;
  fetch(url: string, init: RequestInit): Promise<unknown>;
}

const forbidden = ['setTimeout', 'setInterval', 'setImmediate'] as const;

/** Puts a run's effects in place of the machine's; the answer puts the machine's back. */
export function installVirtualGlobals(effects: Effects): () => void {
  const { random } = Math;
  const { now } = Date;
  const { fetch } = globalThis;
  const timers = forbidden.map((name) => [name, globalThis[name]] as const);
  const performanceNow = performance.now.bind(performance);
  Math.random = () => effects.random();
  Date.now = () => refuse('Date.now');
  performance.now = () => refuse('performance.now');
  globalThis.fetch = ((url: string, init: RequestInit) => effects.fetch(url, init)) as unknown as typeof fetch;
  for (const [name] of timers) (globalThis as Record<string, unknown>)[name] = () => refuse(name);
  return () => {
    Math.random = random;
    Date.now = now;
    performance.now = performanceNow;
    globalThis.fetch = fetch;
    for (const [name, timer] of timers) (globalThis as Record<string, unknown>)[name] = timer;
  };
}

function refuse(what: string): never {
  throw new Error(`${what} was called in a simulation: take it from the effects that are handed in`);
}
