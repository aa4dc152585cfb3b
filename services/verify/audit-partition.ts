// Checks one partition while its records stream by: claims first, up to the one that caused a fact, then the fact.
//
// How it is independent: the epoch filter, the order of decisions, the partition's time, who may verify what, which
// requests are open and what a step was given are counted anew from the records by the rules of the design. It shares
// the codec, the keys and the partitioner with the runtime, and neither judge, decide nor evolve.

import { createHash } from 'node:crypto';
import type { Fact } from '../../schemas/generated/events.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Keyring } from '../runtime/keyring.js';
import type { LogRecord } from '../runtime/log/port.js';
import { OldestFirst } from '../runtime/oldest-first.js';
import { checkJobFact } from './check-job-facts.js';
import { ClaimBook, type BookedClaim } from './claim-book.js';
import type { ClientHistory } from './client-history.js';
import { shownRecord, type Findings, type InvariantName } from './findings.js';
import { KeysHeld } from './keys-held.js';
import { noFigures, PolicyBook, type AuditContext, type EndedJob, type JobTrack, type PartitionFigures } from './job-tracks.js';

export interface AuditOptions {
  readonly codec: EventCodec;
  /** Null: signatures are not checked. */
  readonly keyring: Keyring | null;
  readonly partitions: number;
  readonly findings: Findings;
  /** What clients say that they were told; null: nobody kept it. */
  readonly history?: ClientHistory | null;
}

/** A decision while its facts come by. */
export interface Decision {
  readonly cause: number;
  readonly by: BookedClaim;
  /** Its schema was not known at the time. */
  readonly wasUnknown: boolean;
  lastOffset: number;
  readonly facts: Fact[];
}

/** Facts that timers write, besides which a claim that is not true may only be refused. */
const timerTypes: ReadonlySet<Fact['type']> = new Set(['AttemptFailed', 'StepRequested', 'StepFailed', 'JobEnded']);
const verdictTypes: ReadonlySet<Fact['type']> = new Set(['ClaimRefused', 'ClaimParked', 'ClaimDeadLettered']);
const bareTypes: ReadonlySet<Fact['type']> = new Set(['Checkpointed', 'PolicyAdopted', 'EpochStarted']);

export class PartitionAudit implements AuditContext {
  readonly claims: ClaimBook;
  readonly policies = new PolicyBook();
  readonly jobs = new Map<string, JobTrack>();
  readonly ended = new OldestFirst<string, EndedJob>();
  readonly figures: PartitionFigures = { ...noFigures };
  readonly #keysHeld = new KeysHeld();
  /** The last claim under such a key that its owner lacked. */
  #notHeld: BookedClaim | null = null;
  #next = 0;
  #epoch = -1;
  #cursor = -1;
  #decision: Decision | null = null;

  constructor(readonly partition: number, readonly options: AuditOptions) {
    this.claims = new ClaimBook(options);
  }

  /** Highest claim decided. */
  get cursor(): number {
    return this.#cursor;
  }

  addClaim(record: LogRecord): void {
    if (record.offset !== this.claims.next) this.report('I15', `offset ${record.offset} stands where ${this.claims.next} was due`, record);
    this.figures.claims += 1;
    const booked = this.claims.add(record);
    this.options.history?.claim(booked);
  }

  /** The claims up to `fact.cause` must have been added. Answers whether the fact counts. */
  addFact(record: LogRecord, fact: Fact): boolean {
    if (record.offset !== this.#next) this.report('I15', `offset ${record.offset} stands where ${this.#next} was due`, record, fact);
    this.#next = record.offset + 1;
    this.figures.facts += 1;
    if (fact.type === 'EpochStarted') {
      this.#close();
      this.#epoch = record.offset;
      this.figures.epochs += 1;
    } else if (fact.epoch !== this.#epoch || this.#epoch < 0) {
      this.figures.stale += 1;
      return false;
    } else if (fact.cause < 0) this.#bare(record, fact);
    else this.#decided(record, fact);
    return true;
  }

  /** At the end of the log: what is open or waits is no finding of itself, and is handed back. */
  finish(): { readonly openJobs: readonly JobTrack[]; readonly undecided: number } {
    this.#close();
    return { openJobs: [...this.jobs.values()], undecided: this.claims.next - 1 - this.#cursor };
  }

  report(invariant: InvariantName, what: string, record: LogRecord, fact?: Fact, ...more: readonly LogRecord[]): void {
    this.options.findings.add(invariant, what, [shownRecord(record, fact), ...more.map((other) => shownRecord(other))]);
  }

  #bare(record: LogRecord, fact: Fact): void {
    this.#close();
    if (!bareTypes.has(fact.type)) return this.report('I17', `a ${fact.type} names no cause`, record, fact);
    if (fact.type === 'Checkpointed') {
      if (fact.cursor !== this.#cursor) this.report('I7', `a checkpoint says that ${fact.cursor} was decided last; the facts before it say ${this.#cursor}`, record, fact);
      this.policies.adopt(fact.policy);
    }
    if (fact.type === 'PolicyAdopted') this.policies.adopt(fact.policy);
  }

  #decided(record: LogRecord, fact: Fact): void {
    const decision = this.#decisionOf(record, fact);
    if (decision === null) return;
    decision.facts.push(fact);
    const { by } = decision;
    if (fact.atMs !== by.timeMs) this.report('I11', `a fact says that it is ${fact.atMs}; the append times up to its cause say ${by.timeMs}`, record, fact, by.record);
    if (fact.causation !== `q/${this.partition}/${fact.cause}`) this.report('I17', 'a fact names another cause than its place', record, fact, by.record);
    if (fact.policyVersion === '') this.report('I17', 'a fact names no policy', record, fact);
    if (by.authentic !== null && fact.authentic !== by.authentic) this.report('I4', `a fact calls its cause ${fact.authentic ? 'authentic' : 'not authentic'}; the keys say otherwise`, record, fact, by.record);
    if (by.authentic === false && !timerTypes.has(fact.type) && !verdictTypes.has(fact.type)) this.report('I4', `a claim that is not authentic led to ${fact.type}`, record, fact, by.record);
    if (fact.type === 'ClaimRefused') this.#refused(record, fact, by);
    else if (!verdictTypes.has(fact.type) && fact.type !== 'TickObserved') checkJobFact(this, record, fact, by);
    if (fact.type === 'JobAccepted') this.options.history?.accepted(record, fact);
  }

  #refused(record: LogRecord, fact: Fact & { type: 'ClaimRefused' }, by: BookedClaim): void {
    this.figures.refused += 1;
    if (by.authentic === false) this.figures.unauthentic += 1;
    if (by === this.#notHeld) this.figures.underKeysNotHeld += 1;
    if (by.authentic === false && fact.closesAttempt) this.report('I4', 'a claim that is not authentic closed an attempt', record, fact, by.record);
    if (fact.tenant !== '' && by.authentic === false) this.report('I16', 'a refusal of a claim that is not authentic names a tenant', record, fact, by.record);
    else if (fact.tenant !== '' && !this.#speaksFor(fact, by)) this.report('I16', 'a refusal names a tenant that its signer does not speak for', record, fact, by.record);
  }

  /** By the policy in force, or since the job it names is of that tenant. */
  #speaksFor(fact: Fact, { claim }: BookedClaim): boolean {
    const tenants = this.policies.principal(claim?.signer ?? '')?.tenants ?? [];
    return tenants.includes('*') || tenants.includes(fact.tenant) || this.jobs.get(fact.job)?.tenant === fact.tenant;
  }

  #decisionOf(record: LogRecord, fact: Fact): Decision | null {
    const open = this.#decision;
    if (open !== null && open.cause === fact.cause) {
      if (record.offset !== open.lastOffset + 1) this.report('I7', `the decision on ${fact.cause} is torn: it was left at ${open.lastOffset}`, record, fact);
      open.lastOffset = record.offset;
      return open;
    }
    this.#close();
    if (fact.cause !== this.#cursor + 1) this.report('I7', `claim ${fact.cause} is decided after ${this.#cursor}`, record, fact);
    this.#cursor = Math.max(this.#cursor, fact.cause);
    const booked = this.claims.take(fact.cause);
    if (booked === undefined) {
      this.report('I14', `a fact was caused by claim ${fact.cause}, which is not there or was decided before`, record, fact);
      return null;
    }
    const by = this.#asHeld(booked, record, fact);
    this.figures.decisions += 1;
    const wasUnknown = isOfBareBytes(fact, by);
    if (!fact.causeDigest.equals(by.digest) && !wasUnknown) this.report('I13', 'the claim is another one than was decided on', record, fact, by.record);
    this.#decision = { cause: fact.cause, by, wasUnknown, lastOffset: record.offset, facts: [] };
    return this.#decision;
  }

  /** A true signature under a key that the owner did not hold is judged as a false one, and must then be refused like one. */
  #asHeld(by: BookedClaim, record: LogRecord, fact: Fact): BookedClaim {
    if (by.authentic !== true) return by;
    // Bytes of an unknown schema were not looked at.
    if (isOfBareBytes(fact, by)) return { ...by, authentic: false };
    if (!this.#keysHeld.mayHave(this.#epoch, by.claim?.signer ?? '', fact.authentic)) {
      this.report('I4', `a fact calls its cause ${fact.authentic ? '' : 'not '}authentic, and another of the same epoch and key the contrary; the keys say that both are`, record, fact, by.record);
    }
    if (fact.authentic) return by;
    this.#notHeld = { ...by, authentic: false };
    return this.#notHeld;
  }

  /** A decision is whole: what must hold at its end. */
  #close(): void {
    const decision = this.#decision;
    this.#decision = null;
    if (decision === null) return;
    const { by, wasUnknown, facts } = decision;
    const last = facts[facts.length - 1] as Fact;
    const about = { type: 'decision' };
    const told = (invariant: InvariantName, what: string): void => { this.options.findings.add(invariant, what, [shownRecord(by.record, about), ...facts.map((fact) => shownRecord({ ...by.record, topic: by.record.topic }, fact))]); };
    if (wasUnknown && (last.type !== 'ClaimDeadLettered' || last.reason !== 'unknown-schema-id')) told('I13', 'a claim that can be read was decided on by its bare bytes');
    if (by.authentic === false && !verdictTypes.has(last.type)) told('I4', 'a claim that is not authentic has no refusal');
    if (verdictTypes.has(last.type) && facts.some((fact) => fact !== last && !timerTypes.has(fact.type))) told('I14', `a claim ends as ${last.type}, and left other facts behind`);
    if (by.claim === null && last.type !== 'ClaimDeadLettered') told('I14', 'bytes that are no claim were not dead-lettered');
    if (by.claim !== null && by.claim.type !== 'Tick' && by.authentic !== false && !by.routed && last.type !== 'ClaimRefused' && last.type !== 'ClaimParked') told('I4', 'a claim in the wrong place was admitted');
    const job = by.claim === null ? undefined : this.jobs.get(by.claim.job);
    if (job === undefined) return;
    // The claim's own job is looked at before the claim is: nothing of it may still wait behind its deadline.
    if (job.deadlineAtMs <= by.timeMs) told('I11', `at ${by.timeMs} the job is still open, its deadline was ${job.deadlineAtMs}`);
    for (const [step, track] of job.steps) {
      if (track.open !== null && track.open.deadlineAtMs <= by.timeMs) told('I11', `at ${by.timeMs} step ${step} is still open, its deadline was ${track.open.deadlineAtMs}`);
    }
  }
}

/** What was not known at the time has the digest of its bytes as they are, though it may be known now. */
function isOfBareBytes(fact: Fact, { record, digest }: BookedClaim): boolean {
  return !fact.causeDigest.equals(digest) && fact.causeDigest.equals(createHash('sha256').update(record.value).digest());
}
