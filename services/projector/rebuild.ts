// The projection from nothing: reads the log without a group and fills empty tables. The result is what the running
// projector would have made, row for row (`tableHash`), whatever the batch size.

import type { TopicName } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Database } from '../runtime/database.js';
import { BlackboardError } from '../runtime/errors.js';
import { EpochFilter, noEpoch } from '../runtime/log/epoch-filter.js';
import type { LogPort, LogRecord, PartitionRange } from '../runtime/log/port.js';
import { VerifiedFact } from '../runtime/log/verified-facts.js';
import { applyBatch } from './apply.js';
import { projectRecord } from './project-records.js';
import type { RowChanges } from './rows.js';

export interface RebuildOptions {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly db: Database;
  /** `bb.verified`. */
  readonly topic: TopicName;
  /** Rows of one transaction. Default 5,000. */
  readonly rowsMax?: number;
  readonly onProgress?: (rows: number) => void;
}

/**
 * Projects all that the log holds now; answers the number of rows.
 * @throws BlackboardError CONFLICT when the tables hold rows of the topic already: nothing is overwritten.
 */
export async function rebuild(options: RebuildOptions): Promise<number> {
  const [held] = await options.db.query<{ there: boolean }>('SELECT EXISTS (SELECT FROM audit_rows WHERE topic = $1) OR EXISTS (SELECT FROM watermarks WHERE topic = $1) AS there', [options.topic]);
  if (held?.there !== false) {
    throw new BlackboardError('CONFLICT', `the database already holds rows of ${options.topic}; audit rows are never overwritten. Rebuild into an empty schema and compare or switch over.`, { topic: options.topic });
  }
  let rows = 0;
  for (const range of await options.log.ranges(options.topic)) {
    if (range.next > range.low) rows += await rebuildPartition(options, range, rows);
  }
  return rows;
}

async function rebuildPartition(options: RebuildOptions, range: PartitionRange, rowsBefore: number): Promise<number> {
  const { log, codec, topic, rowsMax = 5_000 } = options;
  const filter = new EpochFilter(noEpoch);
  let from = range.low;
  let pending: RowChanges[] = [];
  let last: LogRecord | null = null;
  const flush = async (): Promise<void> => {
    if (last === null || pending.length === 0) return;
    const to = { offset: last.offset + 1, epoch: filter.epoch, digest: codec.digestHex(last.value) };
    const applied = await applyBatch(options.db, { topic, changes: pending, advances: [{ partition: range.partition, from, isFirst: from === range.low, to, lastAppendTimeMs: last.appendTimeMs }] });
    if (applied === 'moved') throw new BlackboardError('CONFLICT', `another process projects partition ${range.partition} of ${topic} into the same tables; give the rebuild a schema of its own`);
    from = to.offset;
    pending = [];
    options.onProgress?.(rowsBefore + from - range.low);
  };
  for await (const records of log.read({ topic, partition: range.partition, from: range.low, until: range.next })) {
    for (const record of records) {
      pending.push(projectRecord(factOf(record, filter, codec), codec));
      last = record;
      if (pending.length >= rowsMax) await flush();
    }
  }
  await flush();
  return from - range.low;
}

function factOf(record: LogRecord, filter: EpochFilter, codec: EventCodec): VerifiedFact {
  const peeked = codec.peek(record.value);
  if (peeked === null) {
    throw new BlackboardError('SCHEMA_UNKNOWN', `the record ${record.topic}/${record.partition}/${record.offset} names a schema that is not known here; upgrade this service or check the registry`, { partition: record.partition, offset: record.offset });
  }
  const counts = filter.counts(record.offset, peeked.type, peeked.epoch);
  return new VerifiedFact(record, peeked.type, peeked.type === 'EpochStarted' ? record.offset : peeked.epoch, counts, codec);
}
