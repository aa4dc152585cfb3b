import { setTimeout as sleep } from 'node:timers/promises';

export interface Poll {
  /** Gives up this long after the first try. */
  readonly deadlineMs: number;
  readonly everyMs?: number;
  /** Throws to end the wait early, for example because the process has died. */
  readonly giveUpIf?: () => void;
}

/** Calls `attempt` until it resolves. After the deadline it throws the last error that `attempt` threw. */
export async function pollUntil<T>(attempt: () => Promise<T>, { deadlineMs, everyMs = 50, giveUpIf }: Poll): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    giveUpIf?.();
    try {
      return await attempt();
    } catch (error) {
      giveUpIf?.();
      if (performance.now() >= end) throw error;
    }
    await sleep(everyMs);
  }
}
