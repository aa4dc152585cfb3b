// What ingress reads of Postgres: committed rows only, of the caller's tenant only. A job of another tenant is not
// there; the tenant is part of every query.

import { askTogether } from '../runtime/ask-together.js';
import type { Database } from '../runtime/database.js';
import { DoorError } from '../runtime/http-door.js';
import { isTransientDatabaseError } from '../runtime/postgres/transient-error.js';
import type { Caller } from './callers.js';
import type { artifactView, JobView, SubmissionView } from './schemas.js';
import type { z } from 'zod';

const atMs = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::bigint`;
const jobColumns = `job, instance, partition, tenant, state, outcome, reason, workflow, workflow_version AS "workflowVersion", goal, correlation, on_behalf_of AS "onBehalfOf",
  ${atMs('accepted_at')} AS "acceptedAtMs", ${atMs('deadline_at')} AS "deadlineAtMs", ${atMs('ended_at')} AS "endedAtMs", latency_ms AS "latencyMs", cost_micros AS "costMicros",
  attempts_requested AS "attemptsRequested", attempts_failed AS "attemptsFailed", steps_completed AS "stepsCompleted", steps_failed AS "stepsFailed",
  artifacts_verified AS "artifactsVerified", artifacts_rejected AS "artifactsRejected"`;
/** `$1` is the caller's tenant; null: any. */
const ownTenant = '($1::text IS NULL OR tenant = $1)';

export interface StoredResult {
  readonly type: string;
  readonly contract: string;
  readonly hash: string;
  readonly size: number;
  readonly encoding: string;
  /** Null when it goes by reference. */
  readonly body: Buffer | null;
  readonly partition: number;
  /** Of the job's end on `bb.verified`. */
  readonly endedOffset: number | null;
}

export interface AuditEvent extends Record<string, unknown> {
  readonly offset: number;
  readonly eventType: string;
}

/** Of a job id: what was accepted under it last. */
export interface LastSubmission {
  readonly digest: string;
  readonly instance: number;
  readonly partition: number;
  readonly isOpen: boolean;
  readonly endedAtMs: number | null;
}

/** A look at a life of a job; `instance` null: the newest one. */
interface Look {
  readonly tenant: string | null;
  readonly job: string;
  readonly instance: number | null;
}

/** Jobs that are looked up by one statement at most. */
const looksMax = 1000;

export class JobReader {
  /** A commit wakes all who wait for a job: they look together. */
  readonly #look = askTogether((looks: readonly Look[]) => this.#jobs(looks), looksMax);
  /** What was submitted under a job id last; for comparing digests. Whoever submits at the same time looks together. */
  readonly submitted = askTogether((jobs: readonly string[]) => this.#lastSubmissions(jobs), looksMax);

  constructor(private readonly db: Database) {}

  /** A life of a job: of that submission, or the newest one. */
  job(caller: Caller, job: string, instance?: number): Promise<JobView | null> {
    return this.#look({ tenant: caller.tenant, job, instance: instance ?? null });
  }

  async #jobs(looks: readonly Look[]): Promise<readonly (JobView | null)[]> {
    const rows = await this.#query<JobView & { asked: number }>(
      `SELECT asked.n::int AS asked, found.* FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS asked (tenant, job, instance, n),
        LATERAL (SELECT ${jobColumns} FROM jobs WHERE (asked.tenant IS NULL OR tenant = asked.tenant) AND job = asked.job AND (asked.instance IS NULL OR instance = asked.instance) ORDER BY instance DESC LIMIT 1) found`,
      [looks.map(({ tenant }) => tenant), looks.map(({ job }) => job), looks.map(({ instance }) => instance)]);
    const found = new Map(rows.map(({ asked, ...view }) => [asked, view as JobView]));
    return looks.map((_, index) => found.get(index + 1) ?? null);
  }

  /** @throws DoorError 503 when the database is away or overwhelmed. */
  async #query<Row extends Record<string, unknown>>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return await this.db.query<Row>(sql, values);
    } catch (error) {
      if (!isTransientDatabaseError(error)) throw error;
      throw new DoorError({ status: 503, code: 'DATABASE_UNAVAILABLE' }, 'the database does not answer now; nothing is lost', 'Ask again after the seconds that Retry-After names.', { retryAfterS: 2 });
    }
  }

  /**
   * Newest first. Of one tenant in the order of an index: a page costs what it shows, and with a state or outcome also what
   * it passes over to find that. Of all tenants it costs all jobs. An index over states would cost jobs the update in place
   * by which they end. `before` is `<accepted at, ms>-<job>` of the last one seen.
   */
  async jobs(caller: Caller, filter: { readonly state?: string | undefined; readonly limit: number; readonly before?: string | undefined }): Promise<{ readonly jobs: readonly JobView[]; readonly next: string | null }> {
    const [beforeMs, beforeJob] = filter.before?.split('-') ?? [null, null];
    const rows = await this.#query<JobView>(
      `SELECT ${jobColumns} FROM jobs WHERE ${ownTenant} AND ($2::text IS NULL OR state = $2 OR outcome = $2) AND accepted_at IS NOT NULL
        AND ($3::bigint IS NULL OR (accepted_at, job) < (timestamptz 'epoch' + $3::bigint * interval '1 millisecond', $4::text)) ORDER BY accepted_at DESC, job DESC LIMIT $5`,
      [caller.tenant, filter.state ?? null, beforeMs === null ? null : Number(beforeMs), beforeJob, filter.limit + 1]);
    const jobs = rows.slice(0, filter.limit);
    const last = jobs.at(-1);
    return { jobs, next: rows.length > filter.limit && last !== undefined ? `${last.acceptedAtMs}-${last.job}` : null };
  }

  async #lastSubmissions(jobs: readonly string[]): Promise<readonly (LastSubmission | null)[]> {
    const rows = await this.#query<{ [K in keyof LastSubmission]: LastSubmission[K] } & { job: string }>(
      `SELECT last.* FROM unnest($1::text[]) AS asked (job),
        LATERAL (SELECT job, submission_digest AS digest, instance, partition, state = 'open' AS "isOpen", ${atMs('ended_at')} AS "endedAtMs" FROM jobs WHERE job = asked.job AND submission_digest IS NOT NULL ORDER BY instance DESC LIMIT 1) last`, [jobs]);
    const found = new Map(rows.map((row) => [row.job, row]));
    return jobs.map((job) => found.get(job) ?? null);
  }

  /** What became of a quarantine record; the tenant is null where its signer was not bound to it. */
  async submission(partition: number, offset: number): Promise<(SubmissionView & { readonly tenant: string | null; readonly claimType: string | null }) | null> {
    const rows = await this.#query<SubmissionView & { tenant: string | null; claimType: string | null }>(
      `SELECT answer AS state, job, partition, cause AS "offset", reason, explanation, tenant, claim_type AS "claimType" FROM submissions WHERE partition = $1 AND cause = $2 ORDER BY "offset" LIMIT 1`, [partition, offset]);
    return rows[0] ?? null;
  }

  async result(job: string, instance: number): Promise<StoredResult | null> {
    const rows = await this.#query<{ [K in keyof StoredResult]: StoredResult[K] }>(
      'SELECT result_type AS type, result_contract AS contract, result_hash AS hash, result_size AS size, result_encoding AS encoding, result_body AS body, partition, ended_offset AS "endedOffset" FROM jobs WHERE job = $1 AND instance = $2', [job, instance]);
    const row = rows[0];
    // A driver may hand out a view of something larger, or a plain Uint8Array.
    return row === undefined || (row.hash ?? '') === '' ? null : { ...row, body: row.body === null ? null : Buffer.from(row.body) };
  }

  async artifacts(job: string, instance: number): Promise<readonly z.output<typeof artifactView>[]> {
    return this.#query(
      `SELECT namespace, state, step, attempt, type, contract, hash, size, producer, verifier, reason, confidence, rubric_score AS "rubricScore" FROM artifacts
        WHERE job = $1 AND instance = $2 ORDER BY last_offset, step, attempt, hash LIMIT 5000`, [job, instance]);
  }

  /** Audit rows of one life of a job behind an offset, up to its end, in order; rows of stale epochs, and of other partitions than the job's, say nothing of it. */
  async events(of: { readonly job: string; readonly instance: number }, after: number, limit: number): Promise<readonly AuditEvent[]> {
    return this.#query<AuditEvent>(
      `SELECT "offset", partition, ${atMs('ts')} AS "tsMs", event_type AS "eventType", node, agent, agent_version AS "agentVersion", step, attempt, turn_id AS "turnId", model, rubric_score AS "rubricScore",
        latency_ms AS "latencyMs", cost_micros AS "costMicros", fallback_taken AS "fallbackTaken", edge_label AS "edgeLabel", reason, input_hash AS "inputHash", output_hash AS "outputHash", cause, authentic, detail
        FROM audit_rows WHERE job = $1 AND "offset" > $2 AND "offset" >= coalesce((SELECT accepted_offset FROM jobs WHERE job = $1 AND instance = $3), 0) AND NOT stale
          AND "offset" <= coalesce((SELECT ended_offset FROM jobs WHERE job = $1 AND instance = $3), "offset")
          AND partition = coalesce((SELECT partition FROM jobs WHERE job = $1 AND instance = $3), partition)
        ORDER BY partition, "offset" LIMIT $4`, [of.job, after, of.instance, limit]);
  }

  async ping(): Promise<void> {
    await this.db.query('SELECT 1');
  }
}
