// Follows the verified facts while they are written, through broker restarts, and remembers what the report is made of:
// who owned which partition when, when facts of which signer were accepted, what became of each claim and each job.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Fact, StepRequested, VerificationRequested } from '../../../schemas/generated/events.js';
import { principalOf } from '../../runtime/keyring.js';
import type { LogRecord } from '../../runtime/log/port.js';
import type { Cluster } from '../cluster.js';

export interface Ownership {
  readonly partition: number;
  readonly owner: string;
  readonly atMs: number;
}

export interface FollowedJob {
  readonly key: string;
  readonly tenant: string;
  readonly instance: number;
  readonly partition: number;
  readonly acceptedAtMs: number;
  outcome: string;
  reason: string;
  endedAtMs: number;
  terminals: number;
}

export interface OpenRequest {
  readonly fact: StepRequested | VerificationRequested;
  readonly record: LogRecord;
}

interface Place {
  next: number;
  epoch: number;
}

const recentMax = 60;

export class LogFollower {
  readonly ownerships: Ownership[] = [];
  /** Job and instance → job. */
  readonly jobs = new Map<string, FollowedJob>();
  /** `partition/offset` of a claim → how it was turned away, or the type of its first fact. */
  readonly decided = new Map<string, string>();
  /** Partition → append times of accepted facts by the principal whose claim caused them, in order. */
  readonly acceptedAtMs = new Map<number, { readonly principal: string; readonly atMs: number; readonly epoch: number }[]>();
  readonly recent: OpenRequest[] = [];
  facts = 0;
  stale = 0;
  ended = 0;
  readonly #places = new Map<number, Place>();
  readonly #cursors = new Map<number, number>();
  #isOver = false;
  #working: Promise<void> = Promise.resolve();

  constructor(private readonly cluster: Pick<Cluster, 'log' | 'topics' | 'codec' | 'partitions'>) {}

  start(): void {
    this.#working = this.#follow();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#working;
  }

  /** Reads to the end as it is now. @throws what the log throws. */
  async catchUp(): Promise<void> {
    for (const { partition, next } of await this.cluster.log.ranges(this.cluster.topics.verified)) {
      const place = this.#places.get(partition) ?? { next: 0, epoch: -1 };
      this.#places.set(partition, place);
      if (place.next >= next) continue;
      for await (const batch of this.cluster.log.read({ topic: this.cluster.topics.verified, partition, from: place.next, until: next })) {
        for (const record of batch) this.#add(record, place);
      }
    }
  }

  /** Claims without a decision, and the position up to which facts are known. */
  async undecided(): Promise<number> {
    const ranges = await this.cluster.log.ranges(this.cluster.topics.quarantine);
    return ranges.reduce((sum, { partition, next }) => sum + Math.max(0, next - 1 - (this.#cursors.get(partition) ?? -1)), 0);
  }

  /** Next offset per partition. */
  ends(): ReadonlyMap<number, number> {
    return new Map([...this.#places].map(([partition, { next }]) => [partition, next]));
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      // While the broker is away there is nothing to read; what was missed is read when it is back.
      await this.catchUp().catch(() => undefined);
      await sleep(300);
    }
  }

  #add(record: LogRecord, place: Place): void {
    if (record.offset < place.next) return;
    place.next = record.offset + 1;
    this.facts += 1;
    const fact = this.cluster.codec.decodeFact(record.value) as Fact;
    if (fact.type === 'EpochStarted') {
      place.epoch = record.offset;
      this.ownerships.push({ partition: record.partition, owner: fact.owner, atMs: record.appendTimeMs });
      return;
    }
    if (fact.epoch !== place.epoch) {
      this.stale += 1;
      return;
    }
    if (fact.cause < 0) return;
    this.#cursors.set(record.partition, Math.max(fact.cause, this.#cursors.get(record.partition) ?? -1));
    const cause = `${record.partition}/${fact.cause}`;
    // Timers that were due when a claim came fire before it is judged, in the same decision.
    const isTurnedAway = fact.type === 'ClaimRefused' || fact.type === 'ClaimParked' || fact.type === 'ClaimDeadLettered';
    if (isTurnedAway || !this.decided.has(cause)) this.decided.set(cause, fact.type === 'ClaimRefused' ? `ClaimRefused ${fact.reason}` : fact.type);
    if (fact.type !== 'ClaimRefused') this.#accepted(record, fact, place.epoch);
    this.#ofJob(record, fact);
  }

  #accepted(record: LogRecord, fact: Fact, epoch: number): void {
    const times = this.acceptedAtMs.get(record.partition) ?? [];
    this.acceptedAtMs.set(record.partition, times);
    times.push({ principal: principalOf(fact.signer), atMs: record.appendTimeMs, epoch });
  }

  #ofJob(record: LogRecord, fact: Fact): void {
    const id = `${fact.job}/${fact.instance}`;
    if (fact.type === 'JobAccepted') {
      const { idempotencyKey: key, tenant, instance } = fact;
      this.jobs.set(id, { key, tenant, instance, partition: record.partition, acceptedAtMs: record.appendTimeMs, outcome: '', reason: '', endedAtMs: 0, terminals: 0 });
    } else if (fact.type === 'JobEnded') {
      const job = this.jobs.get(id);
      this.ended += 1;
      if (job !== undefined) Object.assign(job, { outcome: fact.outcome, reason: fact.reason, endedAtMs: record.appendTimeMs, terminals: job.terminals + 1 });
    } else if (fact.type === 'StepRequested' || fact.type === 'VerificationRequested') {
      this.recent.push({ fact, record });
      if (this.recent.length > recentMax) this.recent.shift();
    }
  }
}
