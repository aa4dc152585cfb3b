// One measure of an append for every log, so that a batch that one of them takes fits all of them.

import { limits } from '../../../topics/topics.js';
import { BlackboardError } from '../errors.js';
import type { AppendBatch } from './port.js';

/** Bytes of a record batch's header, and at most of one record beside its key and value (record format v2, no headers). */
const batchOverheadBytes = 61;
const recordOverheadBytes = 24;

/** Bytes that a batch takes in a log at most, uncompressed. */
export function batchBytes(records: AppendBatch['records']): number {
  let bytes = batchOverheadBytes;
  for (const { key, value } of records) bytes += recordOverheadBytes + key.length + value.length;
  return bytes;
}

/**
 * @throws BlackboardError APPEND_TOO_LARGE: more bytes or records than one append may have.
 * @throws BlackboardError APPEND_REFUSED: no record at all.
 */
export function checkBatchSize(batch: AppendBatch): void {
  const { topic, partition, records } = batch;
  const where = `${topic}/${String(partition)}`;
  if (records.length === 0) throw new BlackboardError('APPEND_REFUSED', `an append to ${where} holds no record; append at least one`, { topic, partition });
  const tooLarge = (measured: string, rule: keyof typeof limits): BlackboardError => new BlackboardError(
    'APPEND_TOO_LARGE', `an append to ${where} has ${measured}, more than ${rule} = ${String(limits[rule])}; nothing of it is in the log`, { topic, partition, rule },
  );
  if (records.length > limits.batchRecordsMax) throw tooLarge(`${String(records.length)} records`, 'batchRecordsMax');
  for (const { value } of records) if (value.length > limits.recordBytesMax) throw tooLarge(`a value of ${String(value.length)} bytes`, 'recordBytesMax');
  const bytes = batchBytes(records);
  if (bytes > limits.batchBytesMax) throw tooLarge(`${String(bytes)} bytes`, 'batchBytesMax');
}
