import { limits, type TopicName } from '../../topics/topics.js';
import { emptyEnvelope } from '../blackboard/empty-envelope.js';
import { batchBytes } from '../runtime/log/batch-size.js';
import type { LogRecord, RecordToAppend } from '../runtime/log/port.js';
import { through } from '../runtime/seams.js';
import type { OwnerEffects } from './owner-effects.js';

export interface DeadLetterRecord {
  readonly record: LogRecord;
  readonly reason: string;
}

/** What a dead letter keeps of a value; the whole of it stays in quarantine, which is kept as long. */
const valueBytesMax = limits.recordBytesMax / 2;

/**
 * Appends bytes that could not be decoded, keyed by origin; a crash may make it happen twice, under the same key. Few
 * appends, since the facts of the whole batch wait for them: who floods with garbage must not cost others round trips.
 */
export async function appendDeadLetters(letters: readonly DeadLetterRecord[], topic: TopicName, { log, codec, seams }: Pick<OwnerEffects, 'log' | 'codec' | 'seams'>): Promise<void> {
  const batches: RecordToAppend[][] = [];
  let bytes = 0;
  for (const { record, reason } of letters) {
    const value = codec.encode({
      ...emptyEnvelope, type: 'DeadLetter', cause: record.offset, causation: `q/${record.partition}/${record.offset}`, atMs: record.appendTimeMs,
      reason, detail: record.value.length > valueBytesMax ? `the first ${valueBytesMax} of ${record.value.length} bytes` : '', originTopic: record.topic, originPartition: record.partition, originOffset: record.offset,
      key: record.key.subarray(0, 1024), value: record.value.subarray(0, valueBytesMax),
    });
    const letter = { key: Buffer.from(`${record.topic}/${record.partition}/${record.offset}`), value };
    const last = batches.at(-1);
    bytes += batchBytes([letter]);
    if (last !== undefined && last.length < limits.batchRecordsMax && bytes <= limits.batchBytesMax) last.push(letter);
    else {
      batches.push([letter]);
      bytes = batchBytes([letter]);
    }
  }
  await Promise.all(batches.map((records) => through(seams, 'orchestrator.append-dead-letter', () => log.append({ topic, partition: 0, records }))));
}
