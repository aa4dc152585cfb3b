import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '../../../../topics/topics.js';
import { logContract } from '../../../testing/log-contract.js';
import type { Assignment } from '../port.js';
import { MemoryLogStore } from './memory-log.js';
import type { AppendFault } from './memory-log.js';

const { quarantine, verified } = topicNames();
const topics = [{ name: quarantine, partitions: 4 }, { name: verified, partitions: 4 }];
const one = [{ key: Buffer.from('key'), value: Buffer.from('value') }];

logContract('memory', () => {
  const store = new MemoryLogStore({ topics });
  return Promise.resolve({ open: () => Promise.resolve(store.open()), topics: { a: quarantine, b: verified }, partitions: 4, dispose: () => Promise.resolve() });
});

function faulty(faults: AppendFault[]): MemoryLogStore {
  return new MemoryLogStore({ topics, faults: { onAppend: () => faults.shift() ?? 'ok' } });
}

test('an injected fault decides whether the batch is in the log, and what is said of it', async () => {
  const log = faulty(['refuse', 'unknownWritten', 'unknownLost', { lateMs: 20 }]).open();
  const append = () => log.append({ topic: verified, partition: 0, records: one });
  await assert.rejects(append(), { code: 'APPEND_REFUSED' });
  await assert.rejects(append(), { code: 'APPEND_UNKNOWN' });
  await assert.rejects(append(), { code: 'APPEND_UNKNOWN' });
  await assert.rejects(append(), { code: 'APPEND_UNKNOWN' });
  assert.equal((await append()).baseOffset, 1);
  await new Promise((resolve) => { setTimeout(resolve, 40); });
  assert.equal((await log.ranges(verified))[0]?.next, 3);
  await log.close();
});

test('a stalled process loses its partitions unawares, still appends, and learns of its loss when it wakes', async () => {
  const store = new MemoryLogStore({ topics });
  const told = { zombie: [] as Assignment[], heir: [] as Assignment[] };
  const join = (log: ReturnType<MemoryLogStore['open']>, assignments: Assignment[]) => log.join({
    group: 'orchestrator', topics: [quarantine, verified], onBatch: () => {}, onHalt: assert.fail, onAssigned: (assignment) => { assignments.push(assignment); },
  });
  const [zombie, heir] = [store.open(), store.open()];
  const member = await join(zombie, told.zombie);
  zombie.stall();
  await join(heir, told.heir);
  assert.deepEqual([told.zombie.length, told.heir[0]?.gained], [1, [0, 1, 2, 3]]);
  await assert.rejects(member.heartbeat(), { code: 'WRITER_FENCED' });
  assert.equal((await zombie.append({ topic: verified, partition: 0, records: one })).baseOffset, 0);
  await member.commit([{ topic: verified, partition: 0, offset: 1, metadata: 'zombie' }]);
  assert.equal((await member.committed(verified, [0])).size, 0);
  await zombie.wake();
  assert.deepEqual(told.zombie[1]?.lost, [0, 1, 2, 3]);
  assert.equal(told.zombie[2]?.gained.length, 2);
  await zombie.close();
  await heir.close();
});

test('a crashed process is never answered, and its partitions go to the others', async () => {
  const store = new MemoryLogStore({ topics });
  const [dead, heir] = [store.open(), store.open()];
  const never = (): void => { assert.fail('a dead process was called'); };
  await dead.join({ group: 'g', topics: [verified], onBatch: never, onHalt: never, onAssigned: () => {} });
  dead.append({ topic: verified, partition: 1, records: one }).then(never, never);
  dead.crash();
  const gained: number[] = [];
  await heir.join({ group: 'g', topics: [verified], onBatch: () => {}, onHalt: never, onAssigned: (assignment) => { gained.push(...assignment.gained); } });
  await heir.append({ topic: verified, partition: 2, records: one });
  assert.deepEqual(gained, [0, 1, 2, 3]);
  await heir.close();
});
