// Tells when the wall clock of this process is set back, by comparing it with the monotonic one.

const everyMs = 500;

export interface ClockWatch {
  /** Smaller steps are nothing. */
  readonly stepMsMin: number;
  readonly onSetBack: (byMs: number) => void;
  readonly wallMs?: () => number;
  readonly monotonicMs?: () => number;
}

/** Calls back after each step back; returns how to stop. It keeps no process alive. */
export function watchClock({ stepMsMin, onSetBack, wallMs = () => Date.now(), monotonicMs = () => performance.now() }: ClockWatch): () => void {
  let ahead = wallMs() - monotonicMs();
  const timer = setInterval(() => {
    const byMs = ahead - (wallMs() - monotonicMs());
    ahead -= byMs;
    if (byMs >= stepMsMin) onSetBack(byMs);
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
