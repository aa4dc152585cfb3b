// The log port: what every log (Kafka, embedded, memory) does, and all that the rest of the runtime knows of one.
// Held by one contract suite (services/testing/log-contract.ts) that each adapter passes.
//
// - An append is one batch of one partition: it lands whole and contiguous, or not at all.
// - Offsets are dense per partition and start at 0. Append times are the log's own clock.
// - Appends to one partition land in the order in which `append` was called; a later one is not sent before the
//   earlier one is answered. What piles up meanwhile may share a send.
// - A member delivers nothing of a gained partition before `start`, and then every offset from there on, once per
//   start, in order, without a gap. A position outside of the log halts (LOG_OUT_OF_RANGE); nothing is skipped.
// - A partition kept through a rebalance goes on where it was, delivering nothing again.

import type { TopicName } from '../../../topics/topics.js';

export interface LogRecord {
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: number;
  /** The log's append time, ms since 1970. */
  readonly appendTimeMs: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface RecordToAppend {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface AppendBatch {
  readonly topic: TopicName;
  readonly partition: number;
  /** At least one; the bytes must stay untouched until the answer. */
  readonly records: readonly RecordToAppend[];
}

export interface Appended {
  /** Offset of the first record; the others follow without a gap. */
  readonly baseOffset: number;
  /** The log's append time, ms since 1970. */
  readonly appendTimeMs: number;
}

export interface PartitionRange {
  readonly partition: number;
  /** Oldest offset that can be read. */
  readonly low: number;
  /** Offset that the next record will get. */
  readonly next: number;
}

/** A position that a consumer stored: where to go on, and enough to notice that the log is another one. */
export interface CommittedPosition {
  readonly topic: TopicName;
  readonly partition: number;
  /** Next offset to read. */
  readonly offset: number;
  /** Opaque to the log; at most 2,000 characters. */
  readonly metadata: string;
}

export interface Assignment {
  /** Rises with each rebalance of this member. */
  readonly generation: number;
  /** Partition numbers, the same for every topic of the membership. */
  readonly gained: readonly number[];
  readonly kept: readonly number[];
  readonly lost: readonly number[];
}

export interface Membership {
  readonly group: string;
  /** All with the same partition count: partition p of each goes to the same member. */
  readonly topics: readonly TopicName[];
  /** Called at each rebalance, before any record of a gained partition; must not throw. */
  onAssigned(assignment: Assignment, member: Member): void;
  /** One or more records of one partition, in order. Must return at once: it only enqueues. */
  onBatch(records: readonly LogRecord[]): void;
  /** The member has stopped for good: out of range, a gap, an error that retrying does not heal. */
  onHalt(error: Error): void;
  /** Default 30,000. */
  readonly sessionTimeoutMs?: number;
  /** Bytes that one fetch of one partition may hold; bounds memory. Default 1 MiB. */
  readonly bytesPerPartitionMax?: number;
  /**
   * Topics whose records may be delivered before they are durable: only for who does nothing of them but append to the
   * same log, where whatever it appends is durable with them or after them. Should they be lost, that is lost as well.
   * A log that several processes write leaves this unheeded.
   */
  readonly beforeDurable?: readonly TopicName[];
  /** How long a little may wait for more before it is delivered; saves whoever is in no hurry from waking for each append. Default 0. */
  readonly gatherMs?: number;
}

/**
 * How long somebody who leaves waits for the last commit, ms. Whoever goes on from an older position reads a little more:
 * a log that does not answer must not keep a process from ending.
 */
export const lastCommitMsMax = 3_000;

export interface Member {
  /** Begins (or begins again) to deliver a partition of one topic at an offset; ends a pause. */
  start(topic: TopicName, partition: number, offset: number): void;
  /** Advisory: records already under way may still come. */
  pause(topic: TopicName, partition: number): void;
  resume(topic: TopicName, partition: number): void;
  /** Positions stored by the group for these partitions of one topic; absent where none is. */
  committed(topic: TopicName, partitions: readonly number[]): Promise<ReadonlyMap<number, CommittedPosition>>;
  /** Stores positions; those of partitions that are not assigned now are left out. */
  commit(positions: readonly CommittedPosition[]): Promise<void>;
  /** Resolves after a heartbeat that was sent after this call has succeeded (at once where a log has none). */
  heartbeat(): Promise<void>;
  /** Stops delivering, leaves the group, releases what is held. */
  leave(): Promise<void>;
}

export interface ReadOptions {
  readonly topic: TopicName;
  readonly partition: number;
  /** First offset. @throws LOG_OUT_OF_RANGE while iterating when it is below `low` or above `next`. */
  readonly from: number;
  /** Exclusive; never further than the end at the time of the call, which is the default. */
  readonly until?: number;
}

export interface LogPort {
  /**
   * @throws BlackboardError APPEND_TOO_LARGE or APPEND_REFUSED: not in the log, and never will be.
   *   With `heals: true` in its details, an error's cause passes by itself (the log cannot be reached, say).
   * @throws BlackboardError APPEND_UNKNOWN: may be in the log now, later, or never.
   */
  append(batch: AppendBatch): Promise<Appended>;
  /** Joins a consumer group. The promise resolves when the member runs; assignments come by `onAssigned`. */
  join(membership: Membership): Promise<Member>;
  /** Reads without a group; ends at `until`. Batches are never empty. */
  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]>;
  /** Ranges of all partitions of a topic, by partition number. */
  ranges(topic: TopicName): Promise<readonly PartitionRange[]>;
  /** Ends appends under way, leaves all groups, releases files and sockets. */
  close(): Promise<void>;
}
