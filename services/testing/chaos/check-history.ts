// I2: the client's side of the story against the log's. Pure.

import type { FollowedJob } from './log-follower.js';
import type { Submission } from './load.js';

export interface HistoryReport {
  readonly problems: readonly string[];
  readonly submitted: number;
  readonly acked: number;
  readonly refused: number;
  /** Submissions that met a 503, or no answer, at least once. */
  readonly met503: number;
  readonly metSilence: number;
  readonly answers503: number;
}

/**
 * @param jobs - every accepted job
 * @param submittedAt - `partition/offset` of quarantine → idempotency key of the submission there
 */
export function checkHistory(history: readonly Submission[], jobs: Iterable<FollowedJob>, submittedAt: ReadonlyMap<string, string>): HistoryReport {
  const problems: string[] = [];
  const accepted = new Map<string, FollowedJob[]>();
  for (const job of jobs) accepted.set(job.key, [...(accepted.get(job.key) ?? []), job]);
  const keys = new Set(submittedAt.values());
  for (const { key, isWellFormed, tries, places } of history) {
    const found = accepted.get(key) ?? [];
    for (const place of places) if (submittedAt.get(place) !== key) problems.push(`${key} was acknowledged at ${place}, and there is ${submittedAt.get(place) ?? 'nothing of the kind'}`);
    if (found.length > 1) problems.push(`${key} became ${found.length} jobs`);
    if (places.length > 0 && found.length === 0) problems.push(`${key} was acknowledged and never became a job`);
    if (places.length > 0 && found.length === 1 && found[0]?.terminals !== 1) problems.push(`${key} has ${found[0]?.terminals} terminals`);
    if (isWellFormed && places.length === 0) problems.push(`${key} was never acknowledged: ${tries.map(({ end, status }) => `${end} ${status}`).join(', ')}`);
    if (!isWellFormed && places.length > 0) problems.push(`${key} breaks a rule and was acknowledged`);
    if (tries.some(({ end }) => end === 'refused') && (found.length > 0 || keys.has(key))) problems.push(`${key} was refused and is in the log`);
  }
  const sent = new Set(history.map(({ key }) => key));
  for (const key of accepted.keys()) if (!sent.has(key)) problems.push(`job ${key} is in the log and nobody submitted it`);
  const any = (end: string): number => history.filter(({ tries }) => tries.some((made) => made.end === end)).length;
  return {
    problems, submitted: history.length, acked: history.filter(({ places }) => places.length > 0).length, refused: any('refused'),
    met503: any('unavailable'), metSilence: any('unknown'), answers503: history.reduce((sum, { tries }) => sum + tries.filter(({ end }) => end === 'unavailable').length, 0),
  };
}
