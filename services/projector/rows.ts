// What one fact changes in the projection, as values. Times are ms since 1970; absent things are null.

/** Where a record stands on `bb.verified`. */
export interface RecordAt {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly appendTimeMs: number;
  /** SHA-256 over schema fingerprint and body, 64 hex digits. */
  readonly digest: string;
}

/** One row of `audit_rows`; the columns of that table say what each means. */
export interface AuditRow {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly tsMs: number;
  readonly stale: boolean;
  readonly eventType: string;
  readonly node: string;
  readonly agent: string | null;
  readonly agentVersion: string | null;
  readonly tenant: string | null;
  readonly job: string | null;
  readonly instance: number | null;
  readonly step: string | null;
  readonly attempt: number | null;
  readonly model: string | null;
  readonly promptHash: string | null;
  readonly policyVersion: string | null;
  readonly workflowVersion: string | null;
  readonly inputHash: string | null;
  readonly outputHash: string | null;
  readonly rubricScore: number | null;
  readonly latencyMs: number | null;
  readonly costMicros: number | null;
  readonly fallbackTaken: string | null;
  readonly edgeLabel: string | null;
  readonly reason: string | null;
  readonly epoch: number;
  readonly cause: number;
  readonly causation: string | null;
  readonly correlation: string | null;
  readonly onBehalfOf: string | null;
  readonly signer: string | null;
  readonly authentic: boolean;
  readonly trace: string | null;
  /** 64 hex digits. */
  readonly digest: string;
  /** JSON object. */
  readonly detail: string;
}

export interface JobAcceptance {
  readonly workflow: string;
  readonly workflowVersion: string;
  readonly policyVersion: string;
  readonly idempotencyKey: string;
  readonly submissionDigest: string;
  readonly params: string;
  readonly goal: string;
  readonly correlation: string;
  readonly onBehalfOf: string;
  readonly signer: string;
  readonly trace: string;
  readonly offset: number;
  readonly atMs: number;
  readonly deadlineAtMs: number;
  readonly costCapMicros: number;
}

export interface JobEnding {
  readonly outcome: string;
  readonly reason: string;
  readonly offset: number;
  readonly atMs: number;
  readonly latencyMs: number;
  readonly costMicros: number;
  readonly resultType: string;
  readonly resultContract: string;
  readonly resultHash: string;
  readonly resultSize: number;
  readonly resultEncoding: string;
  /** Null unless it rides in the fact. */
  readonly resultBody: Buffer | null;
}

/** What is added to a job's counters. */
export interface JobCounts {
  readonly costMicros: number;
  readonly attemptsRequested: number;
  readonly attemptsFailed: number;
  readonly verificationsRequested: number;
  readonly stepsCompleted: number;
  readonly stepsFailed: number;
  readonly artifactsVerified: number;
  readonly artifactsRejected: number;
}

/** A change of one life of a job; changes of one job merge into one upsert. */
export interface JobChange {
  readonly job: string;
  readonly instance: number;
  readonly partition: number;
  readonly tenant: string;
  readonly accepted: JobAcceptance | null;
  readonly ended: JobEnding | null;
  readonly added: JobCounts;
  readonly lastOffset: number;
  readonly lastEventAtMs: number;
}

/** The newest state of a candidate or verified artifact. */
export interface ArtifactChange {
  /** No fact before can have named it. */
  readonly isNew: boolean;
  readonly job: string;
  readonly instance: number;
  readonly step: string;
  readonly attempt: number;
  readonly hash: string;
  readonly partition: number;
  readonly tenant: string;
  readonly namespace: 'quarantine' | 'verified';
  readonly state: 'waiting' | 'verified' | 'rejected';
  readonly type: string;
  readonly contract: string;
  readonly size: number;
  readonly producer: string;
  readonly verifier: string | null;
  readonly reason: string | null;
  readonly confidence: number | null;
  readonly freshAtMs: number | null;
  readonly rubricScore: number | null;
  readonly encoding: string | null;
  readonly body: Buffer | null;
  readonly lastOffset: number;
  readonly lastEventAtMs: number;
}

export interface RowChanges {
  readonly audit: AuditRow;
  readonly job: JobChange | null;
  readonly artifacts: readonly ArtifactChange[];
}
