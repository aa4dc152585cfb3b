// Waits for the outcome of a job over as many requests as it takes. Asking is safe to repeat: a service that is away for a
// while, or that takes no more waiters, is asked again after a pause and ends no wait.

import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from './exit-codes.js';
import { answers, readAnswer } from './job-views.js';
import type { Answer, IngressClient } from './ingress-client.js';
import { withProgress } from './progress.js';
import { foreign, type Terminal } from './terminal.js';

export interface ResultWish {
  readonly job: string;
  readonly submission?: number | undefined;
  /** Seconds; Infinity waits to the end. */
  readonly waitS: number;
  readonly accept: string;
  readonly signal: AbortSignal;
}

/** One answer of the service waits a minute at most. */
const waitOnceS = 60;
/** Who would wait to the end gives up after so long without an answer. */
const silenceMsMax = 60_000;
/** An answer that comes so much before a whole wait was not waited for. */
const earlyMs = 100;

/**
 * The answer of the result route; its status is 202 when the job had not ended in time.
 * @throws CliError refused, notFound, interrupted; unavailable when the service did not answer at the end of the wait
 */
export async function awaitResult(client: IngressClient, wish: ResultWish, terminal: Terminal): Promise<Answer> {
  const deadlineMs = Date.now() + wish.waitS * 1000;
  return withProgress(terminal, `waiting for job ${wish.job.slice(0, 8)}`, async () => {
    let awaySinceMs: number | null = null;
    for (;;) {
      const askedAtMs = Date.now();
      const waitS = Math.max(0, Math.min(waitOnceS, (deadlineMs - askedAtMs) / 1000));
      try {
        const answer = await askOnce(client, wish, waitS);
        awaySinceMs = null;
        if (answer.status !== 202 || Date.now() >= deadlineMs) return answer;
        // Less than a whole wait is a service that takes no more waiters, or the deadline's last moment: neither is pressed.
        if (Date.now() - askedAtMs < waitOnceS * 1000 - earlyMs) await pause(deadlineMs, wish.signal);
      } catch (error) {
        if (!(error instanceof CliError) || error.exit !== 'unavailable' || Date.now() >= Math.min(deadlineMs, (awaySinceMs ?? Infinity) + silenceMsMax)) throw error;
        if (awaySinceMs === null) terminal.err(`blackboard: ${foreign(error.message)}; asking again\n`);
        awaySinceMs ??= Date.now();
        await pause(deadlineMs, wish.signal);
      }
    }
  });
}

function askOnce(client: IngressClient, { job, submission, accept, signal }: ResultWish, waitS: number): Promise<Answer> {
  const query = new URLSearchParams({ wait: waitS.toFixed(3), ...(submission === undefined ? {} : { submission: String(submission) }) });
  return client.ask(`/v1/jobs/${job}/result?${query.toString()}`, { headers: { accept }, signal, timeoutMs: (waitS + 30) * 1000 });
}

/** One to two seconds, so that those who wait do not all come back at once; not beyond the deadline. */
async function pause(deadlineMs: number, signal: AbortSignal): Promise<void> {
  const pauseMs = Math.max(0, Math.min(1000 + Math.random() * 1000, deadlineMs - Date.now()));
  await sleep(pauseMs, undefined, { signal }).catch(() => { throw new CliError('interrupted', 'stopped'); });
}

/** Whether the job ended as it should. */
export async function isCompleted(client: IngressClient, job: string, submission?: number): Promise<boolean> {
  const status = readAnswer(answers.status, await client.json(`/v1/jobs/${job}${submission === undefined ? '' : `?submission=${submission}`}`));
  return 'outcome' in status && status.outcome === 'completed';
}
