// Tells when the wall clock of this process is set back, by comparing it with the monotonic one.

const everyMs = 500;
/** Smaller steps only delay a heartbeat by as much. */
const stepMsMin = 1_000;

export interface Clocks {
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
}

const machine: Clocks = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** Calls back after each step back; returns how to stop. It keeps no process alive. */
export function watchClock(onSetBack: () => void, { wallMs, monotonicMs }: Clocks = machine): () => void {
  let ahead = wallMs() - monotonicMs();
  const timer = setInterval(() => {
    const now = wallMs() - monotonicMs();
    const isSetBack = now < ahead - stepMsMin;
    ahead = now;
    if (isSetBack) onSetBack();
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
