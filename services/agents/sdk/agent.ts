// What an agent is: a name, a version, and one `run`. Everything else (consumer group, lanes, deadline,
// signing, back-pressure, draining) is the SDK's. An agent holds no credential and sees no transport.

import type { Contract } from '../../blackboard/contract.js';

/** A verified artifact that a step may read. */
export interface InputArtifact {
  /** The artifact's type, e.g. `finding`. */
  readonly type: string;
  readonly contract: string;
  /** SHA-256 of the body, 64 hex digits. */
  readonly hash: string;
  /** The step that produced it. */
  readonly producerStep: string;
  /** The body, when it was small enough to ride in the request; otherwise read it with `context.bodies`. */
  readonly inline: Uint8Array | null;
  /** Hashes of further bodies that belong to the artifact and may be read with it (documents of a corpus). */
  readonly refs: readonly string[];
}

/** Why an earlier attempt was refused: codes and positions, never quoted text. */
export interface RejectionReason {
  readonly code: string;
  /** Index of the offending part (sentence, finding), or -1. */
  readonly position: number;
}

/** How this attempt must differ from the one before it; `none` on the first. */
export interface Variation {
  readonly kind: 'none' | 'constraint' | 'tool' | 'tier';
  readonly value: string;
  readonly reasons: readonly RejectionReason[];
}

/** A candidate that an independent verifier is asked to look at. */
export interface Candidate {
  readonly type: string;
  readonly contract: string;
  readonly hash: string;
  readonly producer: string;
  readonly refs: readonly string[];
  readonly confidence: number;
  /** Time stamp of the data the candidate rests on, ms since 1970. */
  readonly freshAtMs: number;
  readonly evidence: readonly Evidence[];
}

export interface StepRequest {
  readonly kind: 'step' | 'verification';
  readonly tenant: string;
  readonly job: string;
  /**
   * Which life of the job's id: an id that was forgotten may be used again. Job and instance together are used once, so
   * that an effect outside, under a key of both, happens once for all attempts and never stands for another job's.
   */
  readonly instance: number;
  readonly step: string;
  readonly attempt: number;
  readonly agent: string;
  /** In the partition's time, ms since 1970. */
  readonly deadlineAtMs: number;
  /** The partition's time when the step was requested, ms since 1970. */
  readonly requestedAtMs: number;
  /** Contract that the output must keep; empty for a verification. */
  readonly contractOut: string;
  /** Parameters of the step from the workflow, and of the item that a plan expanded into it. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly inputs: readonly InputArtifact[];
  readonly variation: Variation;
  /** Verifications only: what to look at. */
  readonly candidates: readonly Candidate[];
}

/** A reference from a claim to what it rests on. */
export interface Evidence {
  /** Kind of source: `document`, `artifact`, `receipt`. */
  readonly source: 'document' | 'artifact' | 'receipt';
  /** Hash of the body (document, artifact) or id of the receipt. */
  readonly reference: string;
  /** Place in the source: UTF-16 index of the quote's first character in the decoded text, or -1. */
  readonly position: number;
}

export interface ProposedArtifact {
  readonly type: string;
  readonly body: Uint8Array;
  readonly evidence: readonly Evidence[];
  /** 0 to 1. */
  readonly confidence: number;
  readonly freshAtMs: number;
  /** Hashes already put with `context.bodies.put` that belong to it. */
  readonly refs?: readonly string[];
}

export interface Verdict {
  readonly hash: string;
  readonly accepted: boolean;
  /** A code of the agent's own closed list; empty when accepted. */
  readonly reason: string;
  readonly checksPassed: number;
  readonly checksTotal: number;
  readonly reasons?: readonly RejectionReason[];
}

export type StepOutcome =
  | { readonly outcome: 'proposed'; readonly artifacts: readonly ProposedArtifact[] }
  | { readonly outcome: 'judged'; readonly verdicts: readonly Verdict[] }
  /** `code` is from the agent's own closed list; it names the failure class that the agent owns. */
  | { readonly outcome: 'failed'; readonly code: string; readonly retryable: boolean };

export interface BodyClient {
  /** @throws BlackboardError BODY_NOT_FOUND when the step's capability does not open this hash. */
  get(hash: string): Promise<Uint8Array>;
  /** Puts bodies and returns their hashes in order; the SDK keeps the signed receipts for the claim. */
  put(bodies: readonly Uint8Array[]): Promise<readonly string[]>;
}

export interface ModelRequest<T> {
  readonly system: string;
  readonly user: string;
  /** Name of the answer's shape and its zod schema; the answer is validated on both sides. */
  readonly name: string;
  readonly shape: import('zod').ZodType<T>;
}

export interface ModelAnswer<T> {
  readonly value: T;
  readonly modelId: string;
  readonly fallbackTaken: string;
}

export interface ModelClient {
  /** @throws BlackboardError MODEL_UNAVAILABLE when neither primary nor fallback gave a usable answer. */
  ask<T>(request: ModelRequest<T>): Promise<ModelAnswer<T>>;
}

export interface StepContext {
  readonly request: StepRequest;
  /** Aborts at the deadline, when the attempt is closed, and at shutdown. Made when it is asked for, and not copied by a spread of the context. */
  readonly signal: AbortSignal;
  readonly bodies: BodyClient;
  /** Null where no model endpoint is configured: the agent works extractively and says so. */
  readonly model: ModelClient | null;
  /** Reads and validates an input. @throws BlackboardError INPUT_INVALID naming the field and the rule. */
  read<T>(contract: Contract<T>, input: InputArtifact | Candidate): Promise<T>;
  /** Encodes and validates a body under its contract. @throws BlackboardError INPUT_INVALID likewise. */
  write<T>(contract: Contract<T>, value: T): Uint8Array;
}

export interface Agent {
  /** Lower-case, e.g. `researcher`; requests are addressed to it, and its consumer group is named for it. */
  readonly name: string;
  readonly version: string;
  /** Hash of the prompt in use, or empty: stamped on every claim. */
  readonly promptHash: string;
  /** The one class of failure that this agent owns. */
  readonly owns: string;
  /** True for agents that are asked to look at the candidates of others. */
  readonly verifies?: boolean;
  run(context: StepContext): Promise<StepOutcome>;
}
