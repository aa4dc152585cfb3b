import assert from 'node:assert/strict';
import { test } from 'node:test';
import fetchRequest from 'kafkajs/src/protocol/requests/fetch/v11/request.js';
import { topicNames } from '../../../../../topics/topics.js';
import { readFetch, writeFetch, type FetchWant } from './fetch.js';
import { readProduce, writeProduce } from './produce.js';
import { batchBytes, writeBatch } from './record-batch.js';

const { quarantine, verified } = topicNames();
const wants: readonly FetchWant[] = [
  { topic: quarantine, partition: 3, offset: 5, bytesMax: 1_000 },
  { topic: verified, partition: 3, offset: 2 ** 33, bytesMax: 1_000 },
  { topic: quarantine, partition: 1, offset: 0, bytesMax: 1_000 },
];
const identity = { producerId: 9n, producerEpoch: 0, firstSequence: 0 };

test('asks as kafkajs does', async () => {
  const theirs = await fetchRequest({
    replicaId: -1, maxWaitTime: 50, minBytes: 1, maxBytes: 4_096, isolationLevel: 0,
    topics: [
      { topic: quarantine, partitions: [{ partition: 3, fetchOffset: '5', maxBytes: 1_000 }, { partition: 1, fetchOffset: '0', maxBytes: 1_000 }] },
      { topic: verified, partitions: [{ partition: 3, fetchOffset: String(2 ** 33), maxBytes: 1_000 }] },
    ],
  }).encode();
  assert.deepEqual(writeFetch(wants, { waitMs: 50, bytesMin: 1, bytesMax: 4_096 }), theirs.buffer);
});

function batch(offset: number): Buffer {
  const records = [{ key: Buffer.from('k'), value: Buffer.from(`value ${offset}`) }];
  const bytes = Buffer.alloc(batchBytes(records));
  writeBatch(bytes, 0, records, identity);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

/** An answer as a broker writes it; aborted transactions are there to be passed over. */
function fetchAnswer(topics: readonly [string, readonly [partition: number, errorCode: number, set: Buffer][]][], errorCode = 0): Buffer {
  const parts: Buffer[] = [Buffer.from([0, 0, 0, 25]), int16(errorCode), int32(0), int32(topics.length)];
  for (const [topic, partitions] of topics) {
    parts.push(int16(topic.length), Buffer.from(topic), int32(partitions.length));
    for (const [partition, code, set] of partitions) {
      parts.push(int32(partition), int16(code), Buffer.alloc(24), int32(1), Buffer.alloc(16, 0xff), int32(-1), int32(set.length), set);
    }
  }
  return Buffer.concat(parts);
}
const int16 = (value: number): Buffer => { const bytes = Buffer.alloc(2); bytes.writeInt16BE(value); return bytes; };
const int32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeInt32BE(value); return bytes; };

test('gives each want its own answer, in whatever order they come, and what is not answered nothing', () => {
  const { answer, throttleMs } = readFetch(fetchAnswer([[verified, [[3, 0, batch(2 ** 33)]]], [quarantine, [[1, 6, Buffer.alloc(0)], [9, 0, batch(1)]]]]), wants);
  assert.equal(throttleMs, 25);
  assert.deepEqual(answer.map(({ errorCode, records }) => [errorCode, records.map(({ offset }) => offset)]), [[0, []], [0, [2 ** 33]], [6, []]]);
});

test('throws an error that concerns the whole answer', () => {
  assert.throws(() => readFetch(fetchAnswer([], 29), wants), { type: 'TOPIC_AUTHORIZATION_FAILED' });
});

test('writes one batch a partition, under its topic, and reads where each landed', () => {
  const records = [{ key: Buffer.from('k'), value: Buffer.from('v') }];
  const body = writeProduce([{ topic: quarantine, partition: 2, records, ...identity }, { topic: verified, partition: 2, records, ...identity }, { topic: quarantine, partition: 0, records, ...identity }], 10_000);
  assert.equal(body.readInt16BE(2), -1, 'acks of all');
  assert.equal(body.readInt32BE(8), 2, 'topics');
  assert.ok(body.includes(quarantine) && body.includes(verified));
  const landed = (partition: number, errorCode: number, baseOffset: number): Buffer => {
    const bytes = Buffer.alloc(30);
    bytes.writeInt32BE(partition, 0);
    bytes.writeInt16BE(errorCode, 4);
    bytes.writeBigInt64BE(BigInt(baseOffset), 6);
    bytes.writeBigInt64BE(-1n, 14);
    return bytes;
  };
  const answer = Buffer.concat([int32(1), int16(quarantine.length), Buffer.from(quarantine), int32(2), landed(2, 0, 2 ** 40), landed(0, 10, -1), int32(7)]);
  assert.deepEqual(readProduce(answer), {
    answer: [
      { topic: quarantine, partition: 2, errorCode: 0, baseOffset: 2 ** 40, appendTimeMs: -1 },
      { topic: quarantine, partition: 0, errorCode: 10, baseOffset: -1, appendTimeMs: -1 },
    ],
    throttleMs: 7,
  });
});
