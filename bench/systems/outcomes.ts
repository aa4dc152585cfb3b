// The outcomes of jobs as a user of Postgres sees them: each commit of the projector names the jobs that it has ended
// (LISTEN), then one SELECT for those of them that somebody waits for. One query at a time; what rings meanwhile is
// asked for by the next.

import { noteContract } from '../../workflows/noop/contracts.js';
import { endedChannel } from '../../services/projector/watermarks.js';
import { readBody } from '../../services/runtime/codec/contract-codec.js';
import type { ListeningDatabase } from '../../services/runtime/postgres/listening-database.js';
import type { StepResult } from '../w3/workload.js';

interface Waiter { resolve(outcome: StepResult): void; reject(error: Error): void }
type EndedRow = Readonly<{ job: string; outcome: string; reason: string | null; result_body: Buffer | null; ended_at: Date }>;

export class Outcomes {
  readonly #waiting = new Map<string, Waiter>();
  /** From the append of each terminal fact, by the broker's clock of the same machine, to the SELECT that showed it; ms. */
  readonly lagsMs: number[] = [];
  #isAsking = false;
  #ended: string[] = [];

  private constructor(private readonly db: ListeningDatabase) {}

  static async listen(db: ListeningDatabase): Promise<Outcomes> {
    const outcomes = new Outcomes(db);
    await db.listen(endedChannel, (payload) => {
      // Without a name: something may have been missed.
      outcomes.#ended.push(...(payload === '' ? outcomes.#waiting.keys() : payload.split(' ')));
      void outcomes.#ask();
    });
    return outcomes;
  }

  /** Resolves with the result once its row is committed; rejects when the job ended otherwise than completed. */
  of(job: string): Promise<StepResult> {
    return new Promise((resolve, reject) => this.#waiting.set(job, { resolve, reject }));
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      for (;;) {
        const jobs = this.#ended.filter((job) => this.#waiting.has(job));
        this.#ended = [];
        if (jobs.length === 0) break;
        const rows = await this.db.query<EndedRow>('SELECT job, outcome, reason, result_body, ended_at FROM jobs WHERE job = ANY($1) AND ended_offset IS NOT NULL', [jobs]);
        for (const row of rows) this.#settle(row);
      }
    } catch (error) {
      for (const waiter of this.#waiting.values()) waiter.reject(error as Error);
      this.#waiting.clear();
    } finally {
      this.#isAsking = false;
    }
  }

  #settle({ job, outcome, reason, result_body: body, ended_at: endedAt }: EndedRow): void {
    const waiter = this.#waiting.get(job);
    if (waiter === undefined) return;
    this.#waiting.delete(job);
    this.lagsMs.push(Date.now() - endedAt.getTime());
    if (outcome !== 'completed' || body === null) waiter.reject(new Error(`job ${job} ended ${outcome} (${reason ?? 'no reason'})`));
    else waiter.resolve(JSON.parse(readBody(noteContract, body).text) as StepResult);
  }
}
