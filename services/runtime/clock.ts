// Time as an effect: processes are handed a clock, so that a simulation can hand them another one.

export interface Clock {
  /** ms since 1970. */
  nowMs(): number;
  /** Calls `run` once after the delay; the answer takes it back, and must be called by whoever ends before. */
  after(delayMs: number, run: () => void): () => void;
}

const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: Date.now,
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), timerMsMax));
    return () => clearTimeout(timer);
  },
};

/** Resolves after the delay, or at once when the signal aborts; it never rejects. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
