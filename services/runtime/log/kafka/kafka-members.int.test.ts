// What only a real broker shows of groups: retention under a reader, kafkajs's silent resets, a broker's restart.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker, type LocalBroker } from '../../../../infra/local/broker.js';
import { whatIsMissing } from '../../../../infra/local/for-tests.js';
import { applyTopics } from '../../../../infra/topics/apply.js';
import { withAdmin } from '../../../../infra/topics/admin.js';
import { topicNames, type TopicName, type TopicNames } from '../../../../topics/topics.js';
import { until } from '../../../testing/log-contract-rig.js';
import { BlackboardError } from '../../errors.js';
import type { Assignment, LogPort, LogRecord, Member, Membership } from '../port.js';
import type { KafkaConnection } from './kafka-client.js';
import { kafkaLog } from './kafka-log.js';

// A broker of its own, because it is killed: one that KAFKA_BROKERS names is not ours.
const skip = (await whatIsMissing({ kafka: true })) ?? false;
let folder: string;
let broker: LocalBroker;
let connection: KafkaConnection;
let log: LogPort;
let blackboards = 0;

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'kafka-test-'));
  broker = await startBroker({ security: 'none', dir: folder, extraProperties: { 'group.min.session.timeout.ms': '1000' } });
  connection = { brokers: [broker.bootstrap], clientId: 'members' };
  log = kafkaLog(connection);
});
after(async () => {
  if (skip !== false) return;
  await log.close();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function blackboard(): Promise<TopicNames & { prefix: string }> {
  const prefix = `members${blackboards++}.`;
  await applyTopics(connection, { prefix, partitions: 4, replication: 1, profile: 'local' });
  return { ...topicNames(prefix), prefix };
}

function record(text: string): { key: Buffer; value: Buffer } {
  return { key: Buffer.from('job'), value: Buffer.from(text) };
}

async function fill(topic: TopicName, partition: number, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, number) => log.append({ topic, partition, records: [record(String(number))] })));
}

interface Observed {
  readonly member: Member;
  readonly records: LogRecord[];
  readonly assignments: Assignment[];
  readonly halts: Error[];
}

async function observe(membership: Pick<Membership, 'group' | 'topics' | 'bytesPerPartitionMax'>, onGained: (member: Member, partition: number) => void): Promise<Observed> {
  const records: LogRecord[] = [];
  const assignments: Assignment[] = [];
  const halts: Error[] = [];
  const member = await log.join({
    ...membership,
    sessionTimeoutMs: 3_000,
    onAssigned: (assignment, joined) => { assignments.push(assignment); for (const partition of assignment.gained) onGained(joined, partition); },
    onBatch: (batch) => { records.push(...batch); },
    onHalt: (error) => { halts.push(error); },
  });
  return { member, records, assignments, halts };
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof BlackboardError && error.code === 'LOG_OUT_OF_RANGE';
}

async function forget(topic: TopicName, partition: number, before: number): Promise<void> {
  await withAdmin(connection, async (admin) => {
    // kafkajs looks up no leader for this request; asking for the offsets does.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
  });
}

test('halts at a start before the oldest record or after the end, and delivers nothing', { skip }, async () => {
  const { verified, prefix } = await blackboard();
  await fill(verified, 0, 20);
  await forget(verified, 0, 10);
  for (const [number, offset] of [9, 21, 1_000].entries()) {
    const { halts, records } = await observe({ group: `${prefix}start${number}`, topics: [verified] }, (member, partition) => { if (partition === 0) member.start(verified, 0, offset); });
    await until('halted', () => halts.length > 0);
    assert.ok(isOutOfRange(halts[0]), String(halts[0]));
    assert.equal(records.length, 0);
  }
  const { halts, records, member } = await observe({ group: `${prefix}good`, topics: [verified] }, (joined, partition) => { if (partition === 0) joined.start(verified, 0, 10); });
  await until('delivered', () => records.length === 10);
  assert.equal(halts.length, 0);
  await member.leave();
});

test('halts loudly when the wall clock is set back by more than half its session, and goes on through smaller steps', { skip }, async () => {
  const { verified, prefix } = await blackboard();
  const { halts, records, member } = await observe({ group: `${prefix}clock`, topics: [verified] }, (joined, partition) => { if (partition === 0) joined.start(verified, 0, 0); });
  const now = Date.now.bind(Date);
  let backMs = 0;
  const stepped = mock.method(Date, 'now', () => now() - backMs);
  try {
    backMs = 1_000;
    await sleep(1_200);
    await member.heartbeat();
    await fill(verified, 0, 5);
    await until('delivered', () => records.length === 5);
    assert.equal(halts.length, 0);
    backMs += 3600_000;
    for (let waitedMs = 0; halts.length === 0 && waitedMs < 15_000; waitedMs += 50) await sleep(50);
  } finally {
    stepped.mock.restore();
  }
  assert.match(String(halts[0]), /set back by 3600 s/);
});

test('halts when retention overtakes a member that was paused, and skips nothing', { skip }, async () => {
  const { verified, prefix } = await blackboard();
  const group = `${prefix}lagging`;
  await fill(verified, 0, 10);
  const { halts, records, member } = await observe({ group, topics: [verified] }, (joined, partition) => { if (partition === 0) joined.start(verified, 0, 0); });
  await until('delivered', () => records.length === 10);
  await member.commit([{ topic: verified, partition: 0, offset: 10, metadata: 'digest' }]);
  member.pause(verified, 0);
  // What was asked for before is answered, with nothing.
  await sleep(1_000);
  await fill(verified, 0, 10);
  await forget(verified, 0, 15);
  member.resume(verified, 0);
  await until('halted', () => halts.length > 0);
  assert.ok(isOutOfRange(halts[0]), String(halts[0]));
  assert.equal(records.length, 10);
  // The stored position is as it was: the next start finds the same, and halts as well.
  const again = await observe({ group, topics: [verified] }, () => undefined);
  assert.equal((await again.member.committed(verified, [0])).get(0)?.offset, 10);
  await again.member.leave();
});

test('lets no partition starve behind one whose backlog fills each answer', { skip, timeout: 60_000 }, async () => {
  const { quarantine } = await blackboard();
  const large = { key: Buffer.from('job'), value: Buffer.alloc(390_000) };
  for (let n = 0; n < 80; n += 1) await log.append({ topic: quarantine, partition: 0, records: [large] });
  await fill(quarantine, 3, 1);
  const { member, records } = await observe({ group: 'fair', topics: [quarantine], bytesPerPartitionMax: 16 * 1024 * 1024 }, (joined, partition) => joined.start(quarantine, partition, 0));
  while (!records.some(({ partition }) => partition === 3)) await sleep(5);
  const before = records.findIndex(({ partition }) => partition === 3);
  assert.ok(before < 80, `${before} records of the backlog came first`);
  await member.leave();
});

test('lets no partition starve for a reader that pauses at each answer', { skip, timeout: 60_000 }, async () => {
  const { quarantine, prefix } = await blackboard();
  const large = { key: Buffer.from('job'), value: Buffer.alloc(390_000) };
  for (let n = 0; n < 80; n += 1) await log.append({ topic: quarantine, partition: 1, records: [large] });
  await fill(quarantine, 0, 1);
  const seen: number[] = [];
  const gained: number[] = [];
  let self: Member | null = null;
  const resume = (): void => { for (const partition of gained) self?.resume(quarantine, partition); };
  const member = await log.join({
    group: `${prefix}pausing`, topics: [quarantine], sessionTimeoutMs: 3_000, bytesPerPartitionMax: 16 * 1024 * 1024,
    onAssigned: (assignment, joined) => {
      self = joined;
      gained.push(...assignment.gained);
      for (const partition of assignment.gained) joined.start(quarantine, partition, 0);
    },
    onBatch: (batch) => {
      seen.push(...batch.map(({ partition }) => partition));
      for (const partition of gained) self?.pause(quarantine, partition);
      setTimeout(resume, 5);
    },
    onHalt: () => undefined,
  });
  await until('the small partition', () => seen.includes(0), 30_000);
  assert.ok(seen.indexOf(0) < 80, `${seen.indexOf(0)} records of the backlog came first`);
  self = null;
  await member.leave();
});

test('goes on after the broker was killed and started again, without a gap and without a record twice per start', { skip, timeout: 60_000 }, async () => {
  const { verified, prefix } = await blackboard();
  const next = new Map<number, number>();
  const { records, halts, member, assignments } = await observe({ group: `${prefix}restart`, topics: [verified] }, (joined, partition) => joined.start(verified, partition, next.get(partition) ?? 0));
  const follow = (): void => { for (const { partition, offset } of records) next.set(partition, offset + 1); };
  for (const partition of [0, 1, 2, 3]) await fill(verified, partition, 50);
  await until('delivered', () => { follow(); return records.length === 200; });
  broker.kill();
  await sleep(2_000);
  await broker.restart();
  for (const partition of [0, 1, 2, 3]) await fill(verified, partition, 50);
  await until('delivered after the restart', () => { follow(); return records.length >= 400; }, 30_000);
  for (const partition of [0, 1, 2, 3]) {
    assert.deepEqual(records.filter((one) => one.partition === partition).map((one) => one.offset), Array.from({ length: 100 }, (_, offset) => offset));
  }
  assert.deepEqual(halts, []);
  assert.ok(assignments.length >= 1);
  await member.heartbeat();
  await member.leave();
});

test('delivers each record to exactly one of two members while members come and go', { skip, timeout: 60_000 }, async (t) => {
  const { verified, quarantine, prefix } = await blackboard();
  const membership = { group: `${prefix}storm`, topics: [quarantine, verified] };
  const next = new Map<number, number>();
  const seen: string[] = [];
  const halts: Error[] = [];
  let generations = 0;
  const join = async (): Promise<Member> => await log.join({
    ...membership, sessionTimeoutMs: 3_000,
    onAssigned: ({ gained }, member) => {
      generations += 1;
      for (const partition of gained) member.start(verified, partition, next.get(partition) ?? 0);
    },
    onBatch: (batch) => {
      for (const { partition, offset } of batch) {
        seen.push(`${partition}@${offset}`);
        next.set(partition, Math.max(next.get(partition) ?? 0, offset + 1));
      }
    },
    onHalt: (error) => { halts.push(error); },
  });
  const first = await join();
  let over = false;
  const appending = (async () => { for (let number = 0; !over; number++) { await log.append({ topic: verified, partition: number % 4, records: [record(String(number))] }); } })();
  for (let round = 0; round < 8; round++) {
    const second = await join();
    await sleep(200);
    await second.leave();
    await sleep(100);
  }
  over = true;
  await appending;
  const total = (await log.ranges(verified)).reduce((sum, range) => sum + range.next, 0);
  await until('all delivered', () => new Set(seen).size === total);
  t.diagnostic(`${total} records, ${generations} assignments, ${seen.length - total} delivered again`);
  assert.deepEqual(halts, []);
  await first.leave();
});
