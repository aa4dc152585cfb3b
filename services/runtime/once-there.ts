// Starting waits a while for what it needs: a registry or a database that restarts just now is no reason to end.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './logger.js';

export interface Patience {
  readonly logger: Pick<Logger, 'warn'>;
  /** Whether trying again may help. */
  readonly isAway: (error: unknown) => boolean;
  /** Default 60,000. */
  readonly patienceMs?: number;
}

const pauseMsMax = 2_000;

/** The answer of `attempt`, tried again while what it needs is away. @throws its last error when patience is over. */
export async function onceThere<T>(what: string, { logger, isAway, patienceMs = 60_000 }: Patience, attempt: () => Promise<T>): Promise<T> {
  const untilMs = performance.now() + patienceMs;
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = Math.min(pauseMsMax, 50 * 2 ** Math.min(tries, 10)) * (0.5 + Math.random() / 2);
      if (!isAway(error) || performance.now() + pauseMs > untilMs) throw error;
      if (tries === 1) logger.warn({ error }, `${what} is not there yet; waiting for it`);
      await sleep(pauseMs);
    }
  }
}
