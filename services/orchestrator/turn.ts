// One decision under way: facts are emitted and folded at once, so that what follows in the same decision sees
// what came before. The offset of each fact is known: the owner is the only writer of its partition.

import type { Claim, Fact, FactEnvelope } from '../../schemas/generated/events.js';
import type { JobState, PartitionState } from '../blackboard/board.js';
import type { RememberedJob } from '../blackboard/remembered-jobs.js';
import { evolve, nextDueMs } from './evolve.js';

/** What every fact of a decision has in common. */
export interface Cause {
  /** Offset of the quarantine record. */
  readonly offset: number;
  /** `q/partition/offset`. */
  readonly causation: string;
  /** SHA-256 of the record; written on the decision's first fact. */
  readonly digest: Buffer;
  readonly signer: string;
  readonly authentic: boolean;
  readonly trace: string;
}

type Own<F extends Fact> = F extends Fact ? Pick<F, 'type'> & Omit<F, keyof FactEnvelope | 'type'> & Partial<FactEnvelope> : never;
/** A fact less what the turn stamps on it. */
export type Emitted = Own<Fact>;

const nothing = Buffer.alloc(0);

/** What a fact found of the one job that it can touch. */
interface Before {
  readonly id: string;
  readonly tenant: string;
  readonly job: JobState | undefined;
  /** Undefined: it was not remembered; null: the fact leaves that as it is. */
  readonly remembered: RememberedJob | undefined | null;
  readonly open: number | undefined;
}

export class Turn {
  readonly facts: Fact[] = [];
  /** One entry per fact. */
  readonly #before: Before[] = [];

  constructor(
    readonly state: PartitionState,
    readonly cause: Cause,
    /** Of the decision's first fact. */
    readonly offset: number,
  ) {}

  /** Stamps a fact, folds it, and returns the job after it. */
  emit(about: Pick<JobState, 'job' | 'instance' | 'tenant' | 'correlation' | 'onBehalfOf' | 'workflowVersion'> | null, own: Emitted): void {
    const { cause, state } = this;
    // Assigned, not spread: members that are there already are then set, which is several times as fast.
    const fact = Object.assign({
      step: '', agent: '', epoch: state.epoch, cause: cause.offset,
      tenant: about?.tenant ?? '', job: about?.job ?? '', instance: about?.instance ?? -1, attempt: 0, agentVersion: '',
      correlation: about?.correlation ?? '', causation: cause.causation, onBehalfOf: about?.onBehalfOf ?? '',
      workflowVersion: about?.workflowVersion ?? '', policyVersion: state.policyVersion, promptHash: '', modelId: '',
      signer: cause.signer, atMs: state.timeMs, trace: cause.trace,
      authentic: cause.authentic, causeDigest: this.facts.length === 0 ? cause.digest : nothing,
    }, own) as Fact;
    const offset = this.offset + this.facts.length;
    this.facts.push(fact);
    this.#before.push({ id: fact.job, tenant: fact.tenant, job: state.jobs.get(fact.job), remembered: fact.type === 'JobAccepted' || fact.type === 'JobEnded' ? state.remembered.get(fact.job, state.timeMs) : null, open: state.openJobsByTenant.get(fact.tenant) });
    evolve(state, fact, offset);
  }

  /** Takes back all facts but the first `mark`, and what they did to the state. */
  rollback(mark: number): void {
    const { state } = this;
    this.facts.length = mark;
    const touched = this.#before.splice(mark);
    for (const { id, tenant, job, remembered, open } of touched.reverse()) {
      put(state.jobs, id, job);
      if (remembered === undefined) state.remembered.delete(id);
      else if (remembered !== null) state.remembered.set(remembered);
      put(state.openJobsByTenant, tenant, open);
    }
    // What fired may have been taken from the heap; an entry too many does no harm.
    for (const id of new Set(touched.map((before) => before.id))) {
      const job = state.jobs.get(id);
      if (job !== undefined) state.timers.push({ atMs: nextDueMs(job), job: id });
    }
  }

  /** The job as it stands; undefined once it has ended. */
  job(id: string): JobState | undefined {
    return this.state.jobs.get(id);
  }
}

/** How a claim says that its answer was made. */
export function provenanceOf(claim: Claim): { agentVersion: string; promptHash: string; modelId: string } {
  return { agentVersion: claim.agentVersion, promptHash: claim.promptHash, modelId: claim.modelId };
}

function put<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
