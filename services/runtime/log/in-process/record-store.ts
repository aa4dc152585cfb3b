// What a log that lives in one process stores; groups, members and reads work on it alone.

import type { TopicName } from '../../../../topics/topics.js';
import type { CommittedPosition, LogRecord, PartitionRange } from '../port.js';

export interface SliceOptions {
  readonly topic: TopicName;
  readonly partition: number;
  readonly from: number;
  /** Exclusive; at most the partition's `next`, or its `takenEnd`. */
  readonly until: number;
  /** Ends before the record that would pass it, but holds one record at least. */
  readonly bytesMax: number;
}

export interface RecordStore {
  /** Number of partitions. @throws BlackboardError NOT_FOUND: no such topic. */
  partitionCount(topic: TopicName): number;
  /** What readers may see: acknowledged records only. @throws BlackboardError NOT_FOUND. */
  range(topic: TopicName, partition: number): PartitionRange;
  /** Offset behind the last record that was taken, durable or not; absent where there is no difference. */
  takenEnd?(topic: TopicName, partition: number): number;
  /** Records of their own memory, in order, without a gap; never empty when from < until. @throws LOG_GAP. */
  slice(options: SliceOptions): readonly LogRecord[];
}

export interface PositionStore {
  load(group: string, topic: TopicName, partition: number): CommittedPosition | undefined;
  save(group: string, positions: readonly CommittedPosition[]): Promise<void>;
}

/** Runs an action later, never within the call. */
export type Schedule = (action: () => void) => void;
