// The outcomes of jobs as a user of Postgres sees them: LISTEN rings after each commit of the projector, then one
// SELECT for all jobs that somebody waits for. One query at a time; what rings meanwhile is asked for by the next.

import { noteContract } from '../../workflows/noop/contracts.js';
import { committedChannel } from '../../services/ingress/commit-bell.js';
import { readBody } from '../../services/runtime/codec/contract-codec.js';
import type { ListeningDatabase } from '../../services/runtime/postgres/listening-database.js';
import type { StepResult } from '../w3/workload.js';

interface Waiter { resolve(outcome: StepResult): void; reject(error: Error): void }
type EndedRow = Readonly<{ job: string; outcome: string; reason: string | null; result_body: Buffer | null; ended_ms: number }>;

export class Outcomes {
  readonly #waiting = new Map<string, Waiter>();
  /** From the append of each terminal fact, by the broker's clock of the same machine, to the SELECT that showed it; ms. */
  readonly lagsMs: number[] = [];
  #isAsking = false;
  #rang = false;

  private constructor(private readonly db: ListeningDatabase) {}

  static async listen(db: ListeningDatabase): Promise<Outcomes> {
    const outcomes = new Outcomes(db);
    await db.listen(committedChannel, () => {
      outcomes.#rang = true;
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
      while (this.#rang && this.#waiting.size > 0) {
        this.#rang = false;
        const rows = await this.db.query<EndedRow>('SELECT job, outcome, reason, result_body, extract(epoch FROM ended_at) * 1000 AS ended_ms FROM jobs WHERE job = ANY($1) AND ended_offset IS NOT NULL', [[...this.#waiting.keys()]]);
        for (const row of rows) this.#settle(row);
      }
    } catch (error) {
      for (const waiter of this.#waiting.values()) waiter.reject(error as Error);
      this.#waiting.clear();
    } finally {
      this.#isAsking = false;
    }
  }

  #settle({ job, outcome, reason, result_body: body, ended_ms: endedAtMs }: EndedRow): void {
    const waiter = this.#waiting.get(job);
    if (waiter === undefined) return;
    this.#waiting.delete(job);
    this.lagsMs.push(Date.now() - Number(endedAtMs));
    if (outcome !== 'completed' || body === null) waiter.reject(new Error(`job ${job} ended ${outcome} (${reason ?? 'no reason'})`));
    else waiter.resolve(JSON.parse(readBody(noteContract, body).text) as StepResult);
  }
}
