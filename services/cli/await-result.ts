import { answers, readAnswer } from './job-views.js';
import type { Answer, IngressClient } from './ingress-client.js';
import { withProgress } from './progress.js';
import type { Terminal } from './terminal.js';

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

/** The answer of the result route; its status is 202 when the job had not ended in time. */
export async function awaitResult(client: IngressClient, wish: ResultWish, terminal: Terminal): Promise<Answer> {
  const deadlineMs = Date.now() + wish.waitS * 1000;
  return withProgress(terminal, `waiting for job ${wish.job.slice(0, 8)}`, async () => {
    for (;;) {
      const waitS = Math.max(0, Math.min(waitOnceS, (deadlineMs - Date.now()) / 1000));
      const query = new URLSearchParams({ wait: waitS.toFixed(3), ...(wish.submission === undefined ? {} : { submission: String(wish.submission) }) });
      const answer = await client.ask(`/v1/jobs/${wish.job}/result?${query.toString()}`, { headers: { accept: wish.accept }, signal: wish.signal, timeoutMs: (waitS + 30) * 1000 });
      if (answer.status !== 202 || Date.now() >= deadlineMs) return answer;
    }
  });
}

/** Whether the job ended as it should. */
export async function isCompleted(client: IngressClient, job: string, submission?: number): Promise<boolean> {
  const status = readAnswer(answers.status, await client.json(`/v1/jobs/${job}${submission === undefined ? '' : `?submission=${submission}`}`));
  return 'outcome' in status && status.outcome === 'completed';
}
