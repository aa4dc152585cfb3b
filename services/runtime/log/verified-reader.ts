// R7: reads `bb.verified` in a consumer group. It restores each gained partition from its stored position, after
// having read the last record again and found it the same; it delivers only what counts; it halts on anything else.
// Nothing of a partition is delivered after `onLost` or `onHalt`.

import type { TopicName } from '../../../topics/topics.js';
import type { EventCodec } from '../codec/event-codec.js';
import { BlackboardError } from '../errors.js';
import { EpochFilter, noEpoch } from './epoch-filter.js';
import { findStart } from './find-start.js';
import type { Assignment, CommittedPosition, LogPort, LogRecord, Member } from './port.js';
import { parsePosition, positionMetadata, type Position } from './position.js';
import { VerifiedBatch, VerifiedFact } from './verified-facts.js';

/** Where a gained partition begins. */
export interface Gained {
  readonly partition: number;
  /** Where the reader goes on. */
  readonly position: Position;
  /** Offset behind the last record when the partition was gained: closed work can be told from open work there. */
  readonly thenEnd: number;
}

export interface VerifiedHandler {
  /** Before anything of the partition is delivered. */
  onGained(gained: Gained): void;
  onLost(partition: number): void;
  /** Must return at once: it only enqueues. */
  onBatch(batch: VerifiedBatch): void;
  /** Records of the other topics of the membership; the owner starts them with `member`. */
  onOther?(records: readonly LogRecord[]): void;
  /** Nothing more comes; the process should end. */
  onHalt(error: Error): void;
}

export interface VerifiedReaderOptions {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly group: string;
  readonly topic: TopicName;
  readonly otherTopics?: readonly TopicName[];
  readonly handler: VerifiedHandler;
  /** Stored positions, where they are not kept by the group (a watermark row); absent partitions have none. */
  readonly storedPositions?: (partitions: readonly number[]) => Promise<ReadonlyMap<number, Position>>;
  /** Partitions without a position begin at the first record appended at or after this; default: the beginning. */
  readonly startAtMs?: number;
  /** Such partitions begin at the marker of the epoch in force then: what its checkpoint says is delivered too. */
  readonly fromMarker?: boolean;
  /** Deliver stale records as well, marked by `counts: false`. */
  readonly includesStale?: boolean;
  /** Teaches the codec a schema id that it does not know; without it such a record halts. */
  readonly learn?: (schemaId: number) => Promise<void>;
  readonly sessionTimeoutMs?: number;
  readonly bytesPerPartitionMax?: number;
  readonly gatherMs?: number;
}

interface PartitionState {
  readonly partition: number;
  filter: EpochFilter;
  /** Behind the last record shown to the filter. */
  position: Position;
  /** Digest that the next record, the last one read before, must have; empty: nothing to check. */
  expectedDigest: string;
  /** Records before this offset are shown to the filter only. */
  deliverFrom: number;
  /** Batches that wait for a schema to be learnt; null: none is. */
  held: LogRecord[] | null;
  isStarted: boolean;
}

export class VerifiedReader {
  readonly #options: VerifiedReaderOptions;
  readonly #partitions = new Map<number, PartitionState>();
  #member: Member | null = null;
  #isPaused = false;
  #isOver = false;
  #leaving: Promise<void> | null = null;

  constructor(options: VerifiedReaderOptions) {
    this.#options = options;
  }

  /** Joins the group; resolves when the member runs. */
  async join(): Promise<Member> {
    const { log, group, topic, otherTopics, sessionTimeoutMs, bytesPerPartitionMax, gatherMs } = this.#options;
    const member = await log.join({
      group,
      topics: [topic, ...(otherTopics ?? [])],
      onAssigned: (assignment, self) => this.#assign(assignment, self),
      onBatch: (records) => this.#receive(records),
      onHalt: (error) => this.#halt(error),
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      ...(bytesPerPartitionMax === undefined ? {} : { bytesPerPartitionMax }),
      ...(gatherMs === undefined ? {} : { gatherMs }),
    });
    this.#member = member;
    return member;
  }

  /** Partitions that this member has now. */
  get partitions(): readonly number[] {
    return [...this.#partitions.keys()];
  }

  /** Advisory, for all partitions, those gained later included. */
  pause(): void {
    this.#isPaused = true;
    for (const state of this.#partitions.values()) if (state.isStarted) this.#member?.pause(this.#options.topic, state.partition);
  }

  resume(): void {
    this.#isPaused = false;
    for (const state of this.#partitions.values()) this.#resume(state);
  }

  #resume(state: PartitionState): void {
    if (state.isStarted && state.held === null && !this.#isPaused) this.#member?.resume(this.#options.topic, state.partition);
  }

  /** Stores positions with the group; those of partitions that are not held now are left out. */
  async commit(positions: ReadonlyMap<number, Position>): Promise<void> {
    const own: CommittedPosition[] = [];
    for (const [partition, position] of positions) {
      if (this.#partitions.has(partition)) own.push({ topic: this.#options.topic, partition, offset: position.offset, metadata: positionMetadata(position) });
    }
    if (own.length > 0) await this.#member?.commit(own);
  }

  /** Leaves the group; nothing is delivered any more. */
  leave(): Promise<void> {
    this.#isOver = true;
    this.#partitions.clear();
    this.#leaving ??= this.#member?.leave() ?? Promise.resolve();
    return this.#leaving;
  }

  #assign(assignment: Assignment, member: Member): void {
    this.#member = member;
    if (this.#isOver) return;
    for (const partition of assignment.lost) {
      if (this.#partitions.delete(partition)) this.#options.handler.onLost(partition);
    }
    const gained = assignment.gained.map((partition): PartitionState => ({
      partition, filter: new EpochFilter(), position: { offset: 0, epoch: noEpoch, digest: '' }, expectedDigest: '', deliverFrom: 0, held: null, isStarted: false,
    }));
    for (const state of gained) {
      // A partition gained again without having been reported lost in between is another life of it all the same.
      if (this.#partitions.delete(state.partition)) this.#options.handler.onLost(state.partition);
      this.#partitions.set(state.partition, state);
    }
    if (gained.length > 0) void this.#restore(gained, member).catch((error: unknown) => this.#haltIfCurrent(gained, error));
  }

  async #restore(gained: readonly PartitionState[], member: Member): Promise<void> {
    const { log, codec, topic, startAtMs, learn, fromMarker } = this.#options;
    const [stored, ranges] = await Promise.all([this.#stored(gained.map((state) => state.partition), member), log.ranges(topic)]);
    const nextOf = new Map(ranges.map((range) => [range.partition, range]));
    await Promise.all(gained.map(async (state) => {
      const range = nextOf.get(state.partition);
      if (range === undefined) throw new BlackboardError('TOPOLOGY_DRIFT', `partition ${state.partition} of ${topic} was assigned, but the topic has ${ranges.length} partitions`);
      const position = stored.get(state.partition);
      const start = position === undefined ? await findStart({ log, codec, topic, range, learn, ...(startAtMs === undefined ? {} : { startAtMs }) }) : null;
      if (this.#isCurrent(state)) this.#start(state, member, { stored: position ?? null, readFrom: start?.readFrom ?? 0, deliverFrom: (fromMarker === true ? start?.readFrom : start?.deliverFrom) ?? 0, thenEnd: range.next });
    }));
  }

  #start(state: PartitionState, member: Member, begin: { stored: Position | null; readFrom: number; deliverFrom: number; thenEnd: number }): void {
    const { topic, handler } = this.#options;
    const { stored } = begin;
    if (stored !== null) {
      state.filter = new EpochFilter(stored.epoch);
      state.position = stored;
      state.deliverFrom = stored.offset;
      state.expectedDigest = stored.digest;
    } else {
      state.position = { offset: begin.readFrom, epoch: noEpoch, digest: '' };
      state.deliverFrom = begin.deliverFrom;
    }
    state.isStarted = true;
    handler.onGained({ partition: state.partition, position: stored ?? { offset: begin.deliverFrom, epoch: noEpoch, digest: '' }, thenEnd: begin.thenEnd });
    // The handler may have halted or left.
    if (!this.#isCurrent(state)) return;
    member.start(topic, state.partition, state.expectedDigest === '' ? state.position.offset : state.position.offset - 1);
    if (this.#isPaused) member.pause(topic, state.partition);
  }

  async #stored(partitions: readonly number[], member: Member): Promise<ReadonlyMap<number, Position>> {
    if (this.#options.storedPositions !== undefined) return this.#options.storedPositions(partitions);
    const committed = await member.committed(this.#options.topic, partitions);
    return new Map([...committed].map(([partition, { offset, metadata }]) => [partition, parsePosition(offset, metadata)]));
  }

  #receive(records: readonly LogRecord[]): void {
    const first = records[0];
    if (first === undefined || this.#isOver) return;
    if (first.topic !== this.#options.topic) {
      this.#options.handler.onOther?.(records);
      return;
    }
    const state = this.#partitions.get(first.partition);
    if (state === undefined || !state.isStarted) return;
    if (state.held !== null) state.held = state.held.concat(records);
    else this.#deliver(state, records);
  }

  #deliver(state: PartitionState, all: readonly LogRecord[]): void {
    try {
      const [last] = all;
      // Without its schema a record has another digest.
      if (state.expectedDigest !== '' && last !== undefined && this.#options.codec.peek(last.value) === null) return this.#learn(state, [...all]);
      const records = state.expectedDigest === '' ? all : this.#checkLast(state, all);
      const facts: VerifiedFact[] = [];
      const before = state.position;
      let count = 0;
      let unknown: LogRecord | null = null;
      for (const record of records) {
        if (record.offset !== before.offset + count) throw new BlackboardError('LOG_GAP', `partition ${state.partition} of ${record.topic} went from offset ${before.offset + count - 1} to ${record.offset}; offsets must be dense. Check the topic for transactions or compaction.`);
        const peeked = this.#options.codec.peek(record.value);
        if (peeked === null) { unknown = record; break; }
        const counts = state.filter.counts(record.offset, peeked.type, peeked.epoch);
        count += 1;
        // Markers pass always: positions are made from them.
        if (counts || this.#options.includesStale === true) facts.push(new VerifiedFact(record, peeked.type, peeked.type === 'EpochStarted' ? record.offset : peeked.epoch, counts, this.#options.codec));
      }
      if (count > 0) this.#handOver(state, new VerifiedBatch(state.partition, count === all.length ? records : records.slice(0, count), facts, before, this.#options.codec));
      if (unknown !== null && this.#isCurrent(state)) this.#learn(state, records.slice(count));
    } catch (error) {
      this.#halt(error as Error);
    }
  }

  #handOver(state: PartitionState, batch: VerifiedBatch): void {
    state.position = batch.positionAt(batch.next);
    const skipped = state.deliverFrom - batch.first;
    if (skipped <= 0) this.#options.handler.onBatch(batch);
    else if (skipped < batch.records.length) {
      const facts = batch.facts.filter((fact) => fact.record.offset >= state.deliverFrom);
      this.#options.handler.onBatch(new VerifiedBatch(state.partition, batch.records.slice(skipped), facts, batch.positionAt(state.deliverFrom), this.#options.codec));
    }
  }

  /** The record read last before, read again: another one means another log. */
  #checkLast(state: PartitionState, records: readonly LogRecord[]): readonly LogRecord[] {
    const last = records[0];
    if (last === undefined) return records;
    const offset = state.position.offset - 1;
    if (last.offset !== offset || this.#options.codec.digestHex(last.value) !== state.expectedDigest) {
      throw new BlackboardError('LOG_POSITION_CHANGED', `the record at offset ${offset} of partition ${state.partition} of ${last.topic} is not the one that group ${this.#options.group} read last: `
        + 'the log was replaced or truncated. Nothing was skipped. Find out which log is the true one before going on.', { partition: state.partition, offset });
    }
    state.expectedDigest = '';
    return records.slice(1);
  }

  #learn(state: PartitionState, held: LogRecord[]): void {
    const { learn } = this.#options;
    const value = held[0]?.value ?? Buffer.alloc(0);
    const schemaId = value.length >= 5 ? value.readInt32BE(1) : -1;
    if (learn === undefined) throw new BlackboardError('SCHEMA_UNKNOWN', `the record at offset ${held[0]?.offset} of partition ${state.partition} names schema id ${schemaId}, which is not known here. Upgrade this service or check the registry.`, { schemaId });
    state.held = held;
    // However long the registry takes, no more is held than what was on its way.
    this.#member?.pause(this.#options.topic, state.partition);
    void learn(schemaId).then(() => {
      if (!this.#options.codec.knows(schemaId)) throw new BlackboardError('SCHEMA_UNKNOWN', `schema id ${schemaId} is in the log but not in the registry`, { schemaId });
      if (!this.#isCurrent(state)) return;
      const records = state.held ?? [];
      state.held = null;
      this.#deliver(state, records);
      this.#resume(state);
    }).catch((error: unknown) => this.#haltIfCurrent([state], error));
  }

  #isCurrent(state: PartitionState): boolean {
    return !this.#isOver && this.#partitions.get(state.partition) === state;
  }

  /** A failure that concerns only partitions which are gone by now is nobody's any more. */
  #haltIfCurrent(states: readonly PartitionState[], error: unknown): void {
    if (states.some((state) => this.#isCurrent(state))) this.#halt(error as Error);
  }

  #halt(error: Error): void {
    if (this.#isOver) return;
    // The error that halts is the one to report; leaving is a courtesy to the group.
    void this.leave().catch(() => undefined);
    this.#options.handler.onHalt(error);
  }
}
