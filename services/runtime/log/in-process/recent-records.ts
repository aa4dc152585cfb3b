// The end of each partition in memory: readers that keep up share what was appended, and do not ask the disk for it.
// What the disk does not have yet is all here.

import type { TopicName } from '../../../../topics/topics.js';
import type { LogRecord } from '../port.js';
import type { SliceOptions } from './record-store.js';

interface Tail {
  /** Consecutive; those before `first` are let go of. */
  records: LogRecord[];
  first: number;
  bytes: number;
}

export class RecentRecords {
  private readonly tails = new Map<TopicName, Map<number, Tail>>();

  constructor(private readonly bytesPerPartition: number) {}

  /** Takes a record behind the last one of its partition. */
  add(record: LogRecord): void {
    const tail = this.tailOf(record.topic, record.partition);
    const last = tail.records.at(-1);
    if (last !== undefined && last.offset + 1 !== record.offset) throw new Error(`offset ${String(record.offset)} of ${record.topic}/${String(record.partition)} does not follow ${String(last.offset)}`);
    tail.records.push(record);
    tail.bytes += sizeOf(record);
  }

  /** The disk has all before `next`: of that no more is kept than the bytes allow. */
  stored(topic: TopicName, partition: number, next: number): void {
    const tail = this.tailOf(topic, partition);
    while (tail.bytes > this.bytesPerPartition && (tail.records[tail.first] as LogRecord).offset < next) tail.bytes -= sizeOf(tail.records[tail.first++] as LogRecord);
    if (tail.first < 1024 || tail.first * 2 < tail.records.length) return;
    tail.records = tail.records.slice(tail.first);
    tail.first = 0;
  }

  /** As `RecordStore.slice`; undefined when the range begins before what is kept. */
  slice({ topic, partition, from, until, bytesMax }: SliceOptions): readonly LogRecord[] | undefined {
    const tail = this.tails.get(topic)?.get(partition);
    const oldest = tail?.records[tail.first];
    if (tail === undefined || oldest === undefined || from < oldest.offset) return undefined;
    const start = tail.first + from - oldest.offset;
    const most = Math.min(tail.records.length, start + until - from);
    let end = start;
    for (let bytes = 0; end < most; end += 1) {
      bytes += sizeOf(tail.records[end] as LogRecord);
      if (bytes > bytesMax && end > start) break;
    }
    return tail.records.slice(start, end);
  }

  private tailOf(topic: TopicName, partition: number): Tail {
    let partitions = this.tails.get(topic);
    if (partitions === undefined) this.tails.set(topic, partitions = new Map<number, Tail>());
    let tail = partitions.get(partition);
    if (tail === undefined) partitions.set(partition, tail = { records: [], first: 0, bytes: 0 });
    return tail;
  }
}

function sizeOf({ key, value }: LogRecord): number {
  return key.length + value.length;
}
