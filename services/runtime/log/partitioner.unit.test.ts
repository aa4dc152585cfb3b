import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { murmur2, partitionFor } from './partitioner.js';

test('hashes as the Java client does (the vectors of its own UtilsTest)', () => {
  const vectors: readonly (readonly [string, number])[] = [
    ['21', -973932308], ['foobar', -790332482], ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829], ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ];
  for (const [text, hash] of vectors) assert.equal(murmur2(Buffer.from(text)), hash, text);
  assert.equal(murmur2(Buffer.from('abc')), 479470107);
});

test('chooses the partition that the default partitioner of kafkajs chooses, for keys of every length', () => {
  const choose = kafkajs.Partitioners.DefaultPartitioner();
  for (let index = 0; index < 20_000; index += 1) {
    const digest = createHash('sha512').update(String(index)).digest();
    const key = digest.subarray(0, 1 + (index % 64));
    const partitions = 1 + (index % 257);
    const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
      partitionId, leader: 0, partitionErrorCode: 0, replicas: [0], isr: [0],
    }));
    const expected = choose({ topic: 'any', partitionMetadata, message: { key, value: null } });
    assert.equal(partitionFor(key, partitions), expected, `key ${key.toString('hex')} of ${String(partitions)}`);
  }
});

test('refuses a topic without partitions', () => {
  assert.throws(() => partitionFor(Buffer.from('a'), 0), RangeError);
});
