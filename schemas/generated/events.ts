// Generated from schemas/*.json by schemas/generate.ts. Do not edit.

/** What every event carries */
export interface Envelope {
  /** step id, or empty */
  readonly step: string;
  /** the agent asked or answering, or empty */
  readonly agent: string;
  /** facts: offset of the marker under which it was sent; claims: -1 */
  readonly epoch: number;
  /** facts: quarantine offset that caused it; claims: -1 */
  readonly cause: number;
  readonly tenant: string;
  /** job id, 32 hex digits, or empty; the record key */
  readonly job: string;
  /** quarantine offset of the submission: tells two lives of one job id apart; -1 before it is known */
  readonly instance: number;
  /** 1, 2, …, or 0 */
  readonly attempt: number;
  readonly agentVersion: string;
  /** the caller's own id for the whole conversation */
  readonly correlation: string;
  /** topic letter/partition/offset of the record that caused this one */
  readonly causation: string;
  /** person or system on whose behalf */
  readonly onBehalfOf: string;
  /** content hash of the workflow */
  readonly workflowVersion: string;
  /** content hash of the policy */
  readonly policyVersion: string;
  readonly promptHash: string;
  readonly modelId: string;
  /** principal#key id */
  readonly signer: string;
  /** claims: the sender's clock; facts: the partition's time */
  readonly atMs: number;
  /** W3C traceparent, or empty */
  readonly trace: string;
}

/** What every fact carries besides */
export interface FactEnvelope extends Envelope {
  /** whether the causing claim bore a valid signature of its signer */
  readonly authentic: boolean;
  /** first fact of a decision, and a checkpoint: SHA-256 of the causing record (schema fingerprint and body); otherwise empty */
  readonly causeDigest: Buffer;
}

export interface ProposedArtifact {
  readonly type: string;
  readonly contract: string;
  readonly body: Body;
  readonly evidence: readonly Evidence[];
  readonly confidence: number;
  readonly freshAtMs: number;
  /** further bodies that belong to it */
  readonly refs: readonly string[];
}

/** Where an artifact body is */
export interface Body {
  /** SHA-256 of the plain bytes, 64 hex digits */
  readonly hash: string;
  /** plain bytes */
  readonly size: number;
  /** inline: `bytes` holds it; reference: the body store does; further encodings (encrypted) may follow */
  readonly encoding: string;
  /** the body when inline, else empty */
  readonly bytes: Buffer;
}

export interface Evidence {
  /** document, artifact or receipt */
  readonly source: string;
  /** hash of the body, or receipt id */
  readonly reference: string;
  /** UTF-16 index in the decoded text, or -1 */
  readonly position: number;
}

/** Signed by the gateway over kind, hashes, principal, job, instance, step, attempt and time */
export interface Receipt {
  /** body */
  readonly kind: string;
  /** bodies that were put */
  readonly hashes: readonly string[];
  /** principal#key of the gateway */
  readonly signer: string;
  readonly atMs: number;
  readonly signature: Buffer;
}

export interface Usage {
  readonly modelCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** millionths of the billing currency */
  readonly costMicros: number;
}

export interface VerdictRecord {
  readonly hash: string;
  readonly accepted: boolean;
  /** empty when accepted */
  readonly reason: string;
  readonly checksPassed: number;
  readonly checksTotal: number;
  readonly reasons: readonly Reason[];
}

/** A code and a position, never quoted text */
export interface Reason {
  /** from a closed list of the verifier */
  readonly code: string;
  /** index of the offending part, or -1 */
  readonly position: number;
}

export interface ExpandedStep {
  readonly step: string;
  readonly agent: string;
  readonly params: string;
}

export interface InputRef {
  readonly type: string;
  readonly contract: string;
  readonly body: Body;
  readonly producerStep: string;
  readonly refs: readonly string[];
}

export interface VariationRecord {
  /** none, constraint, tool or tier */
  readonly kind: string;
  readonly value: string;
  readonly reasons: readonly Reason[];
}

/** A fact, not a bearer token */
export interface Capability {
  /** the agent that may use it, with its own signature only */
  readonly principal: string;
  /** bodies it opens */
  readonly hashes: readonly string[];
  readonly expiresAtMs: number;
}

export interface CandidateRef {
  readonly type: string;
  readonly contract: string;
  readonly hash: string;
  readonly size: number;
  readonly producer: string;
  readonly refs: readonly string[];
  readonly confidence: number;
  readonly freshAtMs: number;
  readonly evidence: readonly Evidence[];
}

/** An agent's whole answer to one attempt */
export interface ArtifactsProposed extends Envelope {
  /** event type: first, so that readers can peek */
  readonly type: 'ArtifactsProposed';
  /** offset of the request on verified */
  readonly requestOffset: number;
  readonly artifacts: readonly ProposedArtifact[];
  readonly receipts: readonly Receipt[];
  readonly usage: Usage;
  readonly fallbackTaken: string;
  /** over the schema fingerprint and all bytes before this field; always the last field */
  readonly signature: Buffer;
}

/** A person or system asks to end a job */
export interface CancelRequested extends Envelope {
  /** event type: first, so that readers can peek */
  readonly type: 'CancelRequested';
  readonly reason: string;
  /** over the schema fingerprint and all bytes before this field; always the last field */
  readonly signature: Buffer;
}

/** An agent could not do what it was asked */
export interface FailureReported extends Envelope {
  /** event type: first, so that readers can peek */
  readonly type: 'FailureReported';
  readonly requestOffset: number;
  readonly code: string;
  readonly retryable: boolean;
  readonly usage: Usage;
  readonly fallbackTaken: string;
  /** over the schema fingerprint and all bytes before this field; always the last field */
  readonly signature: Buffer;
}

/** A job is asked for */
export interface JobSubmitted extends Envelope {
  /** event type: first, so that readers can peek */
  readonly type: 'JobSubmitted';
  readonly idempotencyKey: string;
  /** workflow name */
  readonly workflow: string;
  /** JSON object: the parameters of the job */
  readonly params: string;
  /** from acceptance; 0: the default of the workflow */
  readonly deadlineMs: number;
  /** 0: the default of the workflow */
  readonly costCapMicros: number;
  readonly goal: string;
  /** over the schema fingerprint and all bytes before this field; always the last field */
  readonly signature: Buffer;
}

/** The owner of a partition lets its time move on */
export interface Tick extends Envelope {
  /** event type: first, so that readers can peek */
  readonly type: 'Tick';
  readonly dueAtMs: number;
  /** over the schema fingerprint and all bytes before this field; always the last field */
  readonly signature: Buffer;
}

/** An independent verifier's verdicts on the candidates it was shown */
export interface VerdictsPosted extends Envelope {
  /** event type: first, so that readers can peek */
  readonly type: 'VerdictsPosted';
  readonly requestOffset: number;
  readonly verdicts: readonly VerdictRecord[];
  readonly usage: Usage;
  readonly fallbackTaken: string;
  /** over the schema fingerprint and all bytes before this field; always the last field */
  readonly signature: Buffer;
}

/** A candidate stays in quarantine */
export interface ArtifactRejected extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'ArtifactRejected';
  readonly artifactType: string;
  readonly contract: string;
  readonly hash: string;
  readonly size: number;
  readonly producer: string;
  readonly verifier: string;
  readonly reason: string;
  readonly reasons: readonly Reason[];
  readonly rubricScore: number;
  readonly latencyMs: number;
  readonly costMicros: number;
  readonly fallbackTaken: string;
  readonly edgeLabel: string;
}

/** A candidate became verified */
export interface ArtifactVerified extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'ArtifactVerified';
  readonly artifactType: string;
  readonly contract: string;
  readonly body: Body;
  readonly producer: string;
  /** empty: the gate alone */
  readonly verifier: string;
  readonly evidence: readonly Evidence[];
  readonly confidence: number;
  readonly freshAtMs: number;
  readonly refs: readonly string[];
  readonly rubricScore: number;
  readonly latencyMs: number;
  readonly costMicros: number;
  readonly fallbackTaken: string;
  readonly edgeLabel: string;
}

/** An attempt is closed without a result */
export interface AttemptFailed extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'AttemptFailed';
  readonly reason: string;
  readonly reasons: readonly Reason[];
  /** when the next attempt is due; -1: none */
  readonly retryAtMs: number;
  readonly latencyMs: number;
  readonly costMicros: number;
  readonly fallbackTaken: string;
  readonly edgeLabel: string;
}

/** What an owner restored */
export interface Checkpointed extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'Checkpointed';
  /** highest quarantine offset decided */
  readonly cursor: number;
  readonly controlOffset: number;
  /** oldest offset of open jobs and remembered ids */
  readonly restoreFrom: number;
  /** epoch in force at restoreFrom */
  readonly restoreEpoch: number;
  /** the partition's time */
  readonly timeMs: number;
  /** JSON: the policy in force */
  readonly policy: string;
  /** append time on verified of what its owner wrote last before this; deadlines of what is asked for from here on count from then, where the partition's time is behind */
  readonly writtenAtMs: number;
}

/** A record could not be decoded; its bytes are in the dead letter topic */
export interface ClaimDeadLettered extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'ClaimDeadLettered';
  readonly reason: string;
}

/** A claim could not be judged; its bytes are kept */
export interface ClaimParked extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'ClaimParked';
  readonly claimType: string;
  readonly reason: string;
  readonly detail: string;
}

/** A claim did not pass the gate */
export interface ClaimRefused extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'ClaimRefused';
  readonly claimType: string;
  readonly reason: string;
  readonly closesAttempt: boolean;
  /** field and rule, never quoted text */
  readonly detail: string;
}

/** The marker: whoever wrote it owns the partition; the epoch is its own offset */
export interface EpochStarted extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'EpochStarted';
  readonly owner: string;
}

/** A submission became a job */
export interface JobAccepted extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'JobAccepted';
  readonly idempotencyKey: string;
  readonly workflow: string;
  readonly params: string;
  /** tells the same key with another body */
  readonly submissionDigest: string;
  readonly deadlineAtMs: number;
  readonly costCapMicros: number;
  readonly goal: string;
}

/** The one terminal of a job */
export interface JobEnded extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'JobEnded';
  /** completed, failed, cancelled or degraded */
  readonly outcome: string;
  readonly reason: string;
  readonly resultType: string;
  readonly resultContract: string;
  readonly result: Body;
  /** partition time until which the id is remembered: by the policy in force at the end, whatever comes later */
  readonly forgetAtMs: number;
  readonly latencyMs: number;
  readonly costMicros: number;
  readonly edgeLabel: string;
}

/** A verified plan became steps */
export interface PlanExpanded extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'PlanExpanded';
  /** step of the workflow that is repeated */
  readonly template: string;
  readonly steps: readonly ExpandedStep[];
  readonly edgeLabel: string;
}

/** A change of policy, copied from control */
export interface PolicyAdopted extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'PolicyAdopted';
  readonly controlOffset: number;
  readonly policy: string;
}

/** A step has its verified output */
export interface StepCompleted extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'StepCompleted';
  readonly accepted: number;
  readonly rejected: number;
  readonly latencyMs: number;
  readonly costMicros: number;
  readonly rubricScore: number;
  readonly fallbackTaken: string;
  readonly edgeLabel: string;
}

/** All attempts of a step are used up */
export interface StepFailed extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'StepFailed';
  readonly reason: string;
  readonly attempts: number;
  readonly escalated: boolean;
  readonly latencyMs: number;
  readonly edgeLabel: string;
}

/** An agent is asked */
export interface StepRequested extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'StepRequested';
  readonly contractOut: string;
  /** how bodies must come: inline (small ones in the claim, larger ones by reference) or reference (all through the gateway, since a verifier must see them) */
  readonly delivery: string;
  /** a larger body goes by reference */
  readonly inlineBytesMax: number;
  readonly params: string;
  readonly inputs: readonly InputRef[];
  readonly variation: VariationRecord;
  readonly deadlineAtMs: number;
  readonly capability: Capability;
  readonly inputHash: string;
  readonly edgeLabel: string;
}

/** Time moved on */
export interface TickObserved extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'TickObserved';
  readonly timeMs: number;
}

/** A verifier is asked to look at candidates */
export interface VerificationRequested extends FactEnvelope {
  /** event type: first, so that readers can peek */
  readonly type: 'VerificationRequested';
  readonly params: string;
  readonly inputs: readonly InputRef[];
  readonly candidates: readonly CandidateRef[];
  readonly deadlineAtMs: number;
  readonly capability: Capability;
  readonly inputHash: string;
  readonly edgeLabel: string;
  /** what the attempt that made the candidates has cost */
  readonly costMicros: number;
  readonly fallbackTaken: string;
}

/** Bytes that could not be decoded, with reason and origin */
export interface DeadLetter extends Envelope {
  /** event type: first, so that readers can peek */
  readonly type: 'DeadLetter';
  readonly reason: string;
  readonly detail: string;
  readonly originTopic: string;
  readonly originPartition: number;
  readonly originOffset: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** An operator changed the policy */
export interface PolicyChanged extends Envelope {
  /** event type: first, so that readers can peek */
  readonly type: 'PolicyChanged';
  readonly policy: string;
  readonly reason: string;
  /** over the schema fingerprint and all bytes before this field; always the last field */
  readonly signature: Buffer;
}

export type Claim =
  | ArtifactsProposed
  | CancelRequested
  | FailureReported
  | JobSubmitted
  | Tick
  | VerdictsPosted;

export type Fact =
  | ArtifactRejected
  | ArtifactVerified
  | AttemptFailed
  | Checkpointed
  | ClaimDeadLettered
  | ClaimParked
  | ClaimRefused
  | EpochStarted
  | JobAccepted
  | JobEnded
  | PlanExpanded
  | PolicyAdopted
  | StepCompleted
  | StepFailed
  | StepRequested
  | TickObserved
  | VerificationRequested;

export type DeadLetterEvent =
  | DeadLetter;

export type ControlEvent =
  | PolicyChanged;

export type BlackboardEvent = Claim | Fact | DeadLetterEvent | ControlEvent;
export type EventType = BlackboardEvent['type'];

export const messageClassOf = {
  ArtifactsProposed: 'claim',
  CancelRequested: 'claim',
  FailureReported: 'claim',
  JobSubmitted: 'claim',
  Tick: 'claim',
  VerdictsPosted: 'claim',
  ArtifactRejected: 'fact',
  ArtifactVerified: 'fact',
  AttemptFailed: 'fact',
  Checkpointed: 'fact',
  ClaimDeadLettered: 'fact',
  ClaimParked: 'fact',
  ClaimRefused: 'fact',
  EpochStarted: 'fact',
  JobAccepted: 'fact',
  JobEnded: 'fact',
  PlanExpanded: 'fact',
  PolicyAdopted: 'fact',
  StepCompleted: 'fact',
  StepFailed: 'fact',
  StepRequested: 'fact',
  TickObserved: 'fact',
  VerificationRequested: 'fact',
  DeadLetter: 'deadLetter',
  PolicyChanged: 'control',
} as const satisfies Record<EventType, string>;
