// Where a reader without a position begins. R7: it reads one record, goes back to the epoch which that record names,
// and reads forward from there, so that the epoch in force is known before the first record is delivered.

import type { TopicName } from '../../../topics/topics.js';
import type { EventCodec } from '../codec/event-codec.js';
import type { Learn } from '../codec/learn-schemas.js';
import { peekLearning } from './peek-learning.js';
import type { LogPort, LogRecord, PartitionRange } from './port.js';

export interface StartSearch {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly topic: TopicName;
  readonly range: PartitionRange;
  /** The first record appended at or after this is the first one wanted; default: the oldest there is. */
  readonly startAtMs?: number;
  readonly learn?: Learn | undefined;
}

export interface Start {
  readonly deliverFrom: number;
  /** At or before `deliverFrom`: the marker of the epoch in force there, if it is still in the log. */
  readonly readFrom: number;
}

/** @throws BlackboardError SCHEMA_UNKNOWN: without the epoch in force nothing would count until the next one, unseen. */
export async function findStart(search: StartSearch): Promise<Start> {
  const deliverFrom = search.startAtMs === undefined ? search.range.low : await firstAtOrAfter(search, search.startAtMs);
  // At the very beginning no marker can come before; at the end there is no record to ask, and the last one names its epoch as well.
  if (deliverFrom === 0 || search.range.low === search.range.next) return { deliverFrom, readFrom: deliverFrom };
  const record = await recordAt(search, Math.min(deliverFrom, search.range.next - 1));
  if (record === null) return { deliverFrom, readFrom: deliverFrom };
  const peeked = await peekLearning(record, search.codec, search.learn);
  const marker = peeked.type === 'EpochStarted' ? record.offset : peeked.epoch;
  // A marker that retention has removed cannot be read: what lies before the next one cannot be judged and does not count.
  return { deliverFrom, readFrom: marker < search.range.low ? search.range.low : Math.min(marker, deliverFrom) };
}

/** Append times never fall in a partition, so halving finds it in log2(n) reads of one record. */
async function firstAtOrAfter(search: StartSearch, startAtMs: number): Promise<number> {
  let low = search.range.low;
  let high = search.range.next;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const record = await recordAt(search, middle);
    if (record !== null && record.appendTimeMs < startAtMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function recordAt({ log, topic, range }: StartSearch, offset: number): Promise<LogRecord | null> {
  for await (const batch of log.read({ topic, partition: range.partition, from: offset, until: offset + 1 })) return batch[0] ?? null;
  return null;
}
