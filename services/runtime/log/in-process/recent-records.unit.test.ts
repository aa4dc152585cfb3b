import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '../../../../topics/topics.js';
import type { LogRecord } from '../port.js';
import { RecentRecords } from './recent-records.js';

const { verified: topic } = topicNames();
const record = (offset: number): LogRecord => ({ topic, partition: 0, offset, appendTimeMs: 0, key: Buffer.alloc(2), value: Buffer.alloc(8) });
const offsets = (records: readonly LogRecord[] | undefined): readonly number[] | undefined => records?.map(({ offset }) => offset);

function kept(count: number, bytes: number): RecentRecords {
  const recent = new RecentRecords(bytes);
  for (let offset = 100; offset < 100 + count; offset += 1) {
    recent.add(record(offset));
    recent.stored(topic, 0, offset + 1);
  }
  return recent;
}

test('gives what is kept, to the end that was asked for and to the bytes that were', () => {
  const recent = kept(5, 1_000);
  assert.deepEqual(offsets(recent.slice({ topic, partition: 0, from: 101, until: 105, bytesMax: 1_000 })), [101, 102, 103, 104]);
  assert.deepEqual(offsets(recent.slice({ topic, partition: 0, from: 101, until: 103, bytesMax: 1_000 })), [101, 102]);
  assert.deepEqual(offsets(recent.slice({ topic, partition: 0, from: 101, until: 105, bytesMax: 25 })), [101, 102]);
  assert.deepEqual(offsets(recent.slice({ topic, partition: 0, from: 101, until: 105, bytesMax: 1 })), [101], 'one at least');
});

test('says that it does not have what came before, rather than a gap', () => {
  for (const count of [5, 1_022, 1_030, 5_000]) {
    const recent = kept(count, 30);
    const end = 100 + count;
    assert.deepEqual(offsets(recent.slice({ topic, partition: 0, from: end - 3, until: end, bytesMax: 1_000 })), [end - 3, end - 2, end - 1]);
    assert.equal(recent.slice({ topic, partition: 0, from: end - 4, until: end, bytesMax: 1_000 }), undefined);
  }
  assert.equal(kept(1, 30).slice({ topic, partition: 1, from: 0, until: 1, bytesMax: 10 }), undefined);
});

test('keeps what the disk does not have yet, however much it is', () => {
  const recent = kept(5, 30);
  for (let offset = 105; offset < 110; offset += 1) recent.add(record(offset));
  assert.deepEqual(offsets(recent.slice({ topic, partition: 0, from: 105, until: 110, bytesMax: 1_000 })), [105, 106, 107, 108, 109]);
  recent.stored(topic, 0, 106);
  assert.deepEqual(offsets(recent.slice({ topic, partition: 0, from: 106, until: 110, bytesMax: 1_000 })), [106, 107, 108, 109]);
  assert.equal(recent.slice({ topic, partition: 0, from: 105, until: 110, bytesMax: 1_000 }), undefined);
});

test('refuses a record that does not follow the last one', () => {
  assert.throws(() => kept(3, 1_000).add(record(104)), /does not follow/);
});
