// What the audit remembers of jobs that are open: requests, artifacts, attempts. Kept by a few plain rules over facts,
// not by the fold, so that a fold which is wrong cannot hide it.

import type { ArtifactsProposed, Fact } from '../../schemas/generated/events.js';
import type { Policy, PrincipalPolicy } from '../blackboard/policy.js';
import type { WorkflowStep } from '../blackboard/workflow.js';
import { isJobId, versionOf } from '../blackboard/ids.js';
import type { LogRecord } from '../runtime/log/port.js';
import type { OldestFirst } from '../runtime/oldest-first.js';
import type { InvariantName } from './findings.js';

export interface OpenRequest {
  readonly kind: 'step' | 'verification';
  readonly record: LogRecord;
  readonly agent: string;
  readonly deadlineAtMs: number;
}

export interface StepTrack {
  attempt: number;
  open: OpenRequest | null;
  /** Set by the failure of an attempt. */
  retryAtMs: number;
  /** Shown to the verifier of the open attempt. */
  candidates: ReadonlySet<string>;
  /** Stored through the gateway for the open attempt. */
  receipts: ReadonlySet<string>;
}

/** Several steps may produce the same body. */
export interface TrackedArtifact {
  readonly steps: ReadonlySet<string>;
  readonly refs: readonly string[];
}

export interface JobTrack {
  readonly record: LogRecord;
  readonly instance: number;
  readonly tenant: string;
  readonly workflowVersion: string;
  readonly deadlineAtMs: number;
  /** 0: none. */
  readonly capMicros: number;
  /** Sum of what its facts say so far. */
  costMicros: number;
  readonly steps: Map<string, StepTrack>;
  /** By hash. */
  readonly artifacts: Map<string, TrackedArtifact>;
}

export function newStepTrack(): StepTrack {
  return { attempt: 0, open: null, retryAtMs: -1, candidates: new Set(), receipts: new Set() };
}

interface ReadPolicy {
  readonly policy: Policy;
  /** By workflow version. */
  readonly steps: readonly (readonly [string, ReadonlyMap<string, WorkflowStep>])[];
}

/** Policies by their text: every take-over of every partition names the same few again. */
const policiesRead = new Map<string, ReadPolicy>();
const policiesReadMax = 64;

function readPolicy(json: string): ReadPolicy {
  const known = policiesRead.get(json);
  if (known !== undefined) return known;
  const policy = JSON.parse(json) as Policy;
  const workflows = [...Object.values(policy.workflows), ...Object.values(policy.olderWorkflows)];
  const read: ReadPolicy = { policy, steps: workflows.map((workflow) => [versionOf(workflow), new Map(workflow.steps.map((step) => [step.id, step]))]) };
  if (policiesRead.size >= policiesReadMax) policiesRead.delete(policiesRead.keys().next().value as string);
  policiesRead.set(json, read);
  return read;
}

/** The policies that checkpoints named, as data. */
export class PolicyBook {
  #current: Policy | null = null;
  readonly #steps = new Map<string, ReadonlyMap<string, WorkflowStep>>();

  adopt(json: string): void {
    const { policy, steps } = readPolicy(json);
    this.#current = policy;
    for (const [version, byId] of steps) if (!this.#steps.has(version)) this.#steps.set(version, byId);
  }

  /** How long a job's id stays taken after its end. */
  get rememberMs(): number {
    return this.#current?.rememberMs ?? 0;
  }

  principal(signer: string): PrincipalPolicy | null {
    const name = signer.slice(0, Math.max(0, signer.indexOf('#')));
    return this.#current !== null && Object.hasOwn(this.#current.principals, name) ? this.#current.principals[name] ?? null : null;
  }

  /** The definition of a step, or of the template that it was made from (`template/3`). */
  step(workflowVersion: string, step: string): WorkflowStep | null {
    return this.#steps.get(workflowVersion)?.get(step.replace(/\/\d+$/, '')) ?? null;
  }
}

export interface PartitionFigures {
  claims: number;
  facts: number;
  stale: number;
  epochs: number;
  decisions: number;
  accepted: number;
  ended: number;
  refused: number;
  unauthentic: number;
  /** Of those: true, under a key that the owner did not hold. */
  underKeysNotHeld: number;
  /** Jobs that cost more than their stated cap. */
  overCap: number;
}

export const noFigures: Readonly<PartitionFigures> = Object.freeze({ claims: 0, facts: 0, stale: 0, epochs: 0, decisions: 0, accepted: 0, ended: 0, refused: 0, unauthentic: 0, underKeysNotHeld: 0, overCap: 0 });

export interface EndedJob {
  readonly instance: number;
  readonly forgetAtMs: number;
}

/** What the rules about jobs see of the audit of a partition. */
export interface AuditContext {
  readonly policies: PolicyBook;
  readonly jobs: Map<string, JobTrack>;
  /** Those that have ended, by job id, while it is taken: the newest life of each. */
  readonly ended: OldestFirst<string, EndedJob>;
  readonly figures: PartitionFigures;
  report(invariant: InvariantName, what: string, record: LogRecord, fact?: Fact, ...more: readonly LogRecord[]): void;
}

/** Bodies that a claim put through the gateway, by its receipts. */
export function receiptsOf(claim: ArtifactsProposed): ReadonlySet<string> {
  return new Set(claim.receipts.flatMap((receipt) => receipt.hashes));
}

export function isKeyOf(record: LogRecord, job: string): boolean {
  return isJobId(job) && record.key.toString('latin1') === job;
}
