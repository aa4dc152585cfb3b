import { BlackboardError } from '../../errors.js';
import type { LogRecord, ReadOptions } from '../port.js';
import type { RecordStore } from './record-store.js';

const readBytesMax = 1024 * 1024;

/**
 * Reads a range of one partition in batches; the end is fixed by the call, not by the first batch.
 * @throws BlackboardError LOG_OUT_OF_RANGE while iterating, NOT_FOUND from the call.
 */
export function readRecords(store: RecordStore, options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
  const until = Math.min(options.until ?? Infinity, store.range(options.topic, options.partition).next);
  return iterate(store, options, until);
}

async function* iterate(store: RecordStore, { topic, partition, from }: ReadOptions, until: number): AsyncGenerator<readonly LogRecord[]> {
  const outside = outOfRange(store, { topic, partition, offset: from });
  if (outside !== undefined) throw outside;
  for (let offset = from; offset < until;) {
    const records = store.slice({ topic, partition, from: offset, until, bytesMax: readBytesMax });
    offset += records.length;
    yield records;
  }
}

/** The error of a position that is not in the log, or undefined when it is (the end is). `end`: where that is for this reader. */
export function outOfRange(store: RecordStore, position: Pick<LogRecord, 'topic' | 'partition' | 'offset'>, end?: number): BlackboardError | undefined {
  const { topic, partition, offset } = position;
  const { low, next: visible } = store.range(topic, partition);
  const next = end ?? visible;
  if (Number.isSafeInteger(offset) && offset >= low && offset <= next) return undefined;
  return new BlackboardError(
    'LOG_OUT_OF_RANGE',
    `offset ${String(offset)} of ${topic}/${String(partition)} is outside of ${String(low)}..${String(next)}; nothing was skipped: check that this is the log that the position was stored for`,
    { topic, partition, offset, low, next },
  );
}
