// What a caller's job id, or job id and submission, means now: a job whose rows are committed, a submission that is
// no job (not yet, or refused), or nothing that this caller may know of.

import { through, type Seams } from '../runtime/seams.js';
import type { Caller } from './callers.js';
import type { ClaimLog, Place } from './claim-log.js';
import type { CommitBell } from './commit-bell.js';
import type { JobReader } from './job-reader.js';
import type { JobView, SubmissionView } from './schemas.js';

export type Found =
  | { readonly is: 'job'; readonly view: JobView }
  | { readonly is: 'submission'; readonly view: SubmissionView }
  | { readonly is: 'nothing' };

export class JobFinder {
  constructor(private readonly reader: JobReader, private readonly claims: ClaimLog, private readonly bell: CommitBell, private readonly seams: Seams) {}

  async find(caller: Caller, job: string, submission: number | undefined): Promise<Found> {
    if (submission === undefined) return this.#newest(caller, job);
    const place = { partition: this.claims.partitionOf(job), offset: submission };
    const view = await this.submission(caller, place);
    if (view === null || view.job !== job) return { is: 'nothing' };
    if (view.state === 'accepted') {
      const accepted = await this.reader.job(caller, job, submission);
      return accepted === null ? { is: 'nothing' } : { is: 'job', view: accepted };
    }
    // The same submission came twice: its job stands.
    if (view.reason === 'duplicate-submission') return this.#newest(caller, job);
    return { is: 'submission', view };
  }

  /** As `find`, until `isEnough` says so, the time is over or the caller has gone. */
  async until(ask: () => Promise<Found>, isEnough: (found: Found) => boolean, wait: { readonly deadlineAtMs: number; readonly gone: AbortSignal }): Promise<Found> {
    for (;;) {
      // Asked for before looking: a ring while looking is not lost.
      const leftMs = wait.deadlineAtMs - Date.now();
      const rung = leftMs > 0 ? this.bell.next(leftMs, wait.gone) : null;
      const found = await through(this.seams, 'ingress.read-rows', ask);
      if (isEnough(found) || rung === null || wait.gone.aborted || this.bell.isClosed) return found;
      await rung;
    }
  }

  /** What became of a submission of the caller's tenant; null for anything else. */
  async submission(caller: Caller, place: Place): Promise<SubmissionView | null> {
    const row = await this.reader.submission(place.partition, place.offset);
    if (row !== null && row.claimType !== null && row.claimType !== '' && row.claimType !== 'JobSubmitted') return null;
    if (row !== null && row.tenant !== null && row.tenant !== '') {
      if (caller.tenant !== null && caller.tenant !== row.tenant) return null;
      return { state: row.state, job: row.job, partition: place.partition, offset: place.offset, reason: row.reason, explanation: row.explanation };
    }
    // Not judged, not committed yet, or not from a signer bound to a tenant: the claim itself says whose it is.
    const claim = await this.claims.submissionAt(place);
    if (claim === null || (caller.tenant !== null && caller.tenant !== claim.tenant)) return null;
    return { state: row?.state ?? 'submitted', job: claim.job, partition: place.partition, offset: place.offset, reason: row?.reason ?? null, explanation: row?.explanation ?? null };
  }

  async #newest(caller: Caller, job: string): Promise<Found> {
    const view = await this.reader.job(caller, job);
    return view === null ? { is: 'nothing' } : { is: 'job', view };
  }
}
