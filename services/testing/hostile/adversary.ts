// The adversary: follows `bb.verified` as any agent may, makes records of every kind in turn, and appends them to
// quarantine over a connection of its own at a steady rate. What it sent where is in the book.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Fact } from '../../../schemas/generated/events.js';
import { BlackboardError } from '../../runtime/errors.js';
import { partitionFor } from '../../runtime/log/partitioner.js';
import type { LogPort, LogRecord, Member, RecordToAppend } from '../../runtime/log/port.js';
import type { ClaimSender } from '../chaos/claims.js';
import type { OpenRequest } from '../chaos/log-follower.js';
import type { Cluster } from '../cluster.js';
import { Dice } from '../simulation/dice.js';
import type { Book } from './book.js';
import type { Kind, Made, Vantage } from './kind.js';
import { kinds } from './kinds.js';
import { baitWorkflow, honestWorkflow } from './traps.js';

export interface AdversaryParts {
  readonly cluster: Pick<Cluster, 'topics' | 'codec' | 'partitions' | 'prefix'>;
  /** A connection of its own. */
  readonly log: LogPort;
  readonly sender: ClaimSender;
  readonly book: Book;
  readonly seed: number;
  readonly own: Vantage['own'];
}

const everyMs = 20;
const recentMax = 200;
const baitSteps: readonly string[] = baitWorkflow.steps.map((step) => step.id);

export class Adversary implements Vantage {
  readonly dice: Dice;
  readonly codec: Vantage['codec'];
  readonly sender: ClaimSender;
  readonly partitions: number;
  readonly own: Vantage['own'];
  /** Jobs of honest workflows, open requests of theirs by job. */
  readonly #open = new Map<string, OpenRequest>();
  readonly #ended: OpenRequest[] = [];
  readonly #baits = new Map<string, OpenRequest>();
  readonly #judged = new Map<string, OpenRequest>();
  readonly #traps = new Set<string>();
  #lastFact: LogRecord | null = null;
  #member: Member | null = null;
  #turn = 0;
  #openJobs = 0;
  readonly #order: readonly Kind[];
  readonly #owed = new Map<Kind, number>();

  constructor(private readonly parts: AdversaryParts) {
    ({ sender: this.sender, own: this.own } = parts);
    this.codec = parts.cluster.codec;
    this.partitions = parts.cluster.partitions;
    this.dice = new Dice(parts.seed);
    this.#order = kinds;
  }

  /** Begins to follow the facts, from the beginning. */
  async follow(): Promise<void> {
    const topic = this.parts.cluster.topics.verified;
    this.#member = await this.parts.log.join({
      group: `${this.parts.cluster.prefix}agent-mallory`, topics: [topic],
      onAssigned: ({ gained }, member) => { for (const partition of gained) member.start(topic, partition, 0); },
      onBatch: (records) => { for (const record of records) this.#see(record); },
      onHalt: (error) => { throw error; },
    });
  }

  async leave(): Promise<void> {
    await this.#member?.leave();
  }

  /** Traps that are open: jobs that ask the adversary. */
  get traps(): ReadonlySet<string> {
    return this.#traps;
  }

  /** Sends so many records a second until `count` are sent or `isOver` says so. */
  async strike(count: number, perSecond: number, onSent: () => void): Promise<void> {
    const startedMs = performance.now();
    let made = 0;
    const underWay = new Set<Promise<void>>();
    while (made < count) {
      const due = Math.min(count, Math.ceil(((performance.now() - startedMs) * perSecond) / 1000));
      const batches = new Map<number, { readonly record: RecordToAppend; readonly kind: Kind; readonly made: Made }[]>();
      for (let tries = 0; made < due && tries < due * 3 + kinds.length; tries += 1) {
        const one = this.#next();
        if (one === null) continue;
        const partition = one.made.partition ?? partitionFor(one.made.key, this.partitions);
        batches.set(partition, [...(batches.get(partition) ?? []), { ...one, record: { key: one.made.key, value: one.made.value } }]);
        made += 1;
      }
      for (const [partition, batch] of batches) {
        const sending: Promise<void> = this.#send(partition, batch).finally(() => underWay.delete(sending));
        underWay.add(sending);
      }
      onSent();
      // A log that does not keep up holds the adversary back, as it does any client with a bounded buffer.
      if (underWay.size > 64) await Promise.race(underWay);
      await sleep(everyMs);
    }
    await Promise.all(underWay);
  }

  /** Each kind in turn by its share; one that finds nothing to make it from comes up again at the next round. */
  #next(): { readonly made: Made; readonly kind: Kind } | null {
    const kind = this.#order[this.#turn % this.#order.length] as Kind;
    this.#turn += 1;
    const owed = Math.min(50, (this.#owed.get(kind) ?? 1 - (kind.share ?? 1)) + (kind.share ?? 1));
    this.#owed.set(kind, owed);
    if (owed < 1) return null;
    const made = this.#make(kind);
    if (made === null) return null;
    this.#owed.set(kind, owed - 1);
    return { made, kind };
  }

  #make(kind: Kind): Made | null {
    const made = kind.make(this);
    if (kind.closes === true && made?.about !== undefined) this.#baits.delete(placeOf(made.about.fact));
    return made;
  }

  async #send(partition: number, batch: readonly { readonly record: RecordToAppend; readonly kind: Kind; readonly made: Made }[]): Promise<void> {
    const { log, book, cluster } = this.parts;
    // What is large goes alone, so that what the log refuses for its size is no other record.
    const runs = batch.some(({ record }) => record.value.length > 10_000) ? batch.map((one) => [one]) : [batch];
    await Promise.all(runs.map(async (run) => {
      try {
        const { baseOffset } = await log.append({ topic: cluster.topics.quarantine, partition, records: run.map(({ record }) => record) });
        run.forEach(({ kind, made }, index) => {
          const fact = made.about?.fact;
          book.sent.set(`${partition}/${baseOffset + index}`, { kind, job: fact === undefined ? '' : `${fact.job}/${fact.instance}`, step: fact?.step ?? '', attempt: fact?.attempt ?? 0 });
        });
      } catch (error) {
        if (error instanceof BlackboardError && error.code === 'APPEND_TOO_LARGE') for (const { kind } of run) book.atTheDoor.set(kind.name, (book.atTheDoor.get(kind.name) ?? 0) + 1);
        else book.unknown += run.length;
      }
    }));
  }

  /** Sends one of each kind that found nothing to be made from so far, as soon as it does. */
  async sendTheRest(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const sent = new Set([...this.parts.book.sent.values()].map(({ kind }) => kind.name));
      const missing = kinds.filter(({ name }) => !sent.has(name) && !this.parts.book.atTheDoor.has(name));
      if (missing.length === 0 || performance.now() > until) return;
      for (const kind of missing) {
        const one = this.#make(kind);
        if (one !== null) await this.#send(one.partition ?? partitionFor(one.key, this.partitions), [{ kind, made: one, record: { key: one.key, value: one.value } }]);
      }
      await sleep(everyMs);
    }
  }

  /** Jobs that have not ended, as far as the adversary has read. */
  get openJobs(): number {
    return this.#openJobs;
  }

  honest(type?: OpenRequest['fact']['type']): OpenRequest | null {
    const open = [...this.#open.values()].filter((request) => type === undefined || request.fact.type === type);
    return open.length === 0 ? null : this.dice.pick(open);
  }

  ended(): OpenRequest | null {
    return this.#ended.length === 0 ? null : this.dice.pick(this.#ended);
  }

  bait(step: 'note' | 'cited' | 'plan'): OpenRequest | null {
    for (const request of this.#baits.values()) if (request.fact.step === step) return request;
    return null;
  }

  judged(): OpenRequest | null {
    const open = [...this.#judged.values()];
    return open.length === 0 ? null : this.dice.pick(open);
  }

  fact(): { readonly key: Buffer; readonly value: Buffer } | null {
    return this.#lastFact;
  }

  #see(record: LogRecord): void {
    const type = this.codec.peek(record.value)?.type;
    this.#lastFact = record;
    switch (type) {
      case 'JobAccepted': case 'StepRequested': case 'VerificationRequested': case 'StepCompleted': case 'AttemptFailed': case 'JobEnded':
        return this.#seeFact(this.codec.decodeFact(record.value) as Fact, record);
      default:
    }
  }

  #seeFact(fact: Fact, record: LogRecord): void {
    const place = placeOf(fact);
    switch (fact.type) {
      case 'JobAccepted':
        this.#openJobs += 1;
        if (fact.workflow !== honestWorkflow.name) this.#traps.add(fact.job);
        return;
      case 'StepRequested': case 'VerificationRequested': {
        const request = { fact, record };
        if (fact.agent === 'mallory' && baitSteps.includes(fact.step)) this.#baits.set(place, request);
        else if (fact.agent === 'mallory-checker') this.#judged.set(place, request);
        else if (!this.#traps.has(fact.job) && fact.tenant === 'acme') this.#remember(fact.job, request);
        return;
      }
      case 'JobEnded': {
        this.#openJobs -= 1;
        const last = this.#open.get(fact.job);
        if (last !== undefined && this.#ended.push(last) > recentMax) this.#ended.shift();
        this.#open.delete(fact.job);
        this.#traps.delete(fact.job);
        for (const step of baitSteps) this.#baits.delete(`${fact.job} ${step}`);
        this.#judged.delete(`${fact.job} shown`);
        return;
      }
      default:
        this.#baits.delete(place);
        this.#judged.delete(place);
    }
  }

  #remember(job: string, request: OpenRequest): void {
    this.#open.set(job, request);
    if (this.#open.size > recentMax) this.#open.delete(this.#open.keys().next().value as string);
  }
}

function placeOf(fact: Fact): string {
  return `${fact.job} ${fact.step}`;
}
