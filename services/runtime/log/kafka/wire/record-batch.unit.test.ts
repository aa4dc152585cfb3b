import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
// The other implementation of the format: what we write must be the bytes that kafkajs writes.
import { RecordBatch } from 'kafkajs/src/protocol/recordBatch/v0/index.js';
import Record from 'kafkajs/src/protocol/recordBatch/record/v0/index.js';
import { topicNames } from '../../../../../topics/topics.js';
import { BlackboardError } from '../../../errors.js';
import type { RecordToAppend } from '../../port.js';
import { crc32c } from './crc32c.js';
import { batchBytes, readBatches, writeBatch, type BatchIdentity } from './record-batch.js';

const { verified } = topicNames();
const identity: BatchIdentity = { producerId: 2n ** 40n + 7n, producerEpoch: 3, firstSequence: 2 ** 31 - 2 };
const crcAt = 17;
const firstTimestampAt = 27;

function recordsOf(count: number, valueBytes: number): RecordToAppend[] {
  return Array.from({ length: count }, (_, index) => ({ key: Buffer.from(`job-${index}`), value: Buffer.alloc(valueBytes, index) }));
}

function written(records: readonly RecordToAppend[], baseOffset = 0): Buffer {
  const batch = Buffer.alloc(batchBytes(records));
  assert.equal(writeBatch(batch, 0, records, identity), batch.length);
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  return batch;
}

for (const [count, valueBytes] of [[1, 0], [1, 63], [2, 64], [3, 8_191], [70, 8_192], [250, 480], [1, 300_000]] as const) {
  test(`writes ${count} records of ${valueBytes} bytes as kafkajs does, but for the leader's epoch`, async () => {
    const records = recordsOf(count, valueBytes);
    const ours = written(records);
    const atMs = Number(ours.readBigInt64BE(firstTimestampAt));
    const theirs = await RecordBatch({
      records: records.map(({ key, value }, offsetDelta) => Record({ key, value, offsetDelta })), lastOffsetDelta: count - 1,
      firstTimestamp: atMs, maxTimestamp: atMs, producerId: String(identity.producerId), producerEpoch: identity.producerEpoch, firstSequence: identity.firstSequence,
    });
    ours.writeInt32BE(0, 12);
    assert.deepEqual(ours, theirs.buffer);
  });
}

test('reads back what it writes, from any offset on', () => {
  const records = recordsOf(5, 100);
  const set = Buffer.concat([written(records, 40), written(records, 45)]);
  for (let from = 38; from <= 51; from += 1) {
    const read = readBatches(set, verified, 2, from);
    assert.deepEqual(read.map(({ offset }) => offset), [40, 41, 42, 43, 44, 45, 46, 47, 48, 49].filter((offset) => offset >= from));
    for (const { offset, key, value, topic, partition } of read) assert.deepEqual({ key, value, topic, partition }, { ...records[(offset - 40) % 5], topic: verified, partition: 2 });
  }
});

test('leaves out a batch that was cut off, wherever that was', () => {
  const whole = written(recordsOf(3, 50), 10);
  const set = Buffer.concat([whole, written(recordsOf(3, 50), 13)]);
  for (let end = whole.length; end < set.length; end += 1) assert.equal(readBatches(set.subarray(0, end), verified, 0, 0).length, 3);
});

test('gives the broker’s append time where the topic keeps it, and the writer’s otherwise', () => {
  const batch = written(recordsOf(2, 1));
  const writersMs = Number(batch.readBigInt64BE(firstTimestampAt));
  assert.deepEqual(readBatches(batch, verified, 0, 0).map(({ appendTimeMs }) => appendTimeMs), [writersMs, writersMs]);
  batch.writeInt16BE(0x08, 21);
  batch.writeBigInt64BE(1_700_000_000_123n, 35);
  assert.deepEqual(readBatches(batch, verified, 0, 0).map(({ appendTimeMs }) => appendTimeMs), [1_700_000_000_123, 1_700_000_000_123]);
});

test('unpacks gzip, refuses other codecs and other magics by name, and passes over the markers of transactions', () => {
  const plain = written(recordsOf(4, 30), 7);
  const packed = gzipSync(plain.subarray(61));
  const zipped = Buffer.concat([plain.subarray(0, 61), packed]);
  zipped.writeInt32BE(zipped.length - 12, 8);
  zipped.writeInt16BE(1, 21);
  assert.deepEqual(readBatches(zipped, verified, 0, 0), readBatches(plain, verified, 0, 0));
  const drift = (error: unknown): boolean => error instanceof BlackboardError && error.code === 'TOPOLOGY_DRIFT';
  zipped.writeInt16BE(4, 21);
  assert.throws(() => readBatches(zipped, verified, 0, 0), drift);
  const old = Buffer.from(plain);
  old[16] = 1;
  assert.throws(() => readBatches(old, verified, 0, 0), drift);
  const marker = Buffer.from(plain);
  marker.writeInt16BE(0x30, 21);
  assert.deepEqual(readBatches(marker, verified, 0, 0), []);
});

test('seals a batch over all that stands behind the seal', () => {
  const batch = written(recordsOf(3, 20));
  assert.equal(batch.readUInt32BE(crcAt), crc32c(batch.subarray(crcAt + 4)));
});

test('refuses a record that is longer than its batch', () => {
  const batch = written(recordsOf(1, 20));
  batch[61] = 0x7e;
  assert.throws(() => readBatches(batch, verified, 0, 0), /longer than its batch/);
});
