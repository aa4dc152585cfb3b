// What was sent, and where it lies: the adversary's records, and the honest jobs.

import type { Kind } from './kind.js';

/** A hostile record in quarantine. */
export interface SentRecord {
  readonly kind: Kind;
  /** `job/instance step attempt` whose state decides what the answer must be; empty: it does not depend on any. */
  readonly job: string;
  readonly step: string;
  readonly attempt: number;
}

export interface HonestJob {
  readonly job: string;
  readonly phase: number;
  readonly submittedAtMs: number;
}

export class Book {
  /** `partition/offset` → record. */
  readonly sent = new Map<string, SentRecord>();
  /** Refused by the log itself, by kind. */
  readonly atTheDoor = new Map<string, number>();
  readonly honest = new Map<string, HonestJob>();
  /** Appends whose outcome nobody knows. */
  unknown = 0;

  get records(): number {
    return this.sent.size + [...this.atTheDoor.values()].reduce((sum, count) => sum + count, 0);
  }
}
