// What the network and a broker's death may do to appends: an acknowledged record is in the log once, at its offset;
// an unknown one at most once; a refused one never.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { topicNames, type TopicName } from '../../../../topics/topics.js';
import { startBroker, type LocalBroker } from '../../../../infra/local/broker.js';
import { whatIsMissing } from '../../../../infra/local/for-tests.js';
import { applyTopics } from '../../../../infra/topics/apply.js';
import { BlackboardError } from '../../errors.js';
import type { ForeignRecord } from '../foreign-source.js';
import type { LogPort, LogRecord } from '../port.js';
import { FaultProxy } from './fault-proxy.js';
import { kafkaForeignSource } from './foreign-consumer.js';
import { openClient, type KafkaConnection } from './kafka-client.js';
import { kafkaLog, type KafkaLogOptions } from './kafka-log.js';

// A broker of its own, because it is killed: one that KAFKA_BROKERS names is not ours.
const skip = (await whatIsMissing({ kafka: true })) ?? false;
let folder: string;
let broker: LocalBroker;
let direct: KafkaConnection;
let blackboards = 0;

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'kafka-test-'));
  broker = await startBroker({ security: 'none', dir: folder });
  direct = { brokers: [broker.bootstrap], clientId: 'faults' };
});
after(async () => {
  if (skip !== false) return;
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function quarantine(): Promise<TopicName> {
  const prefix = `faults${blackboards++}.`;
  await applyTopics(direct, { prefix, partitions: 4, replication: 1, profile: 'local' });
  return topicNames(prefix).quarantine;
}

async function proxied(t: TestContext, options: Partial<KafkaLogOptions> = {}): Promise<{ log: LogPort; proxy: FaultProxy }> {
  const proxy = await FaultProxy.open({ host: '127.0.0.1', port: broker.port });
  const log = kafkaLog({ ...direct, ...options, translateAddress: () => proxy.address });
  t.after(async () => {
    proxy.mode = 'pass';
    await log.close();
    await proxy.close();
  });
  return { log, proxy };
}

function record(text: string): { key: Buffer; value: Buffer } {
  return { key: Buffer.from('job'), value: Buffer.from(text.padEnd(2_000)) };
}

function textOf({ value }: LogRecord): string {
  return value.toString().trimEnd();
}

/** Everything in a partition, read past the proxy; offsets are checked to be dense by the reader. */
async function contents(topic: TopicName, partition: number): Promise<string[]> {
  const log = kafkaLog(direct);
  try {
    const texts: string[] = [];
    for await (const records of log.read({ topic, partition, from: 0 })) texts.push(...records.map(textOf));
    return texts;
  } finally {
    await log.close();
  }
}

/** Until the proxy has lost so many in all. */
async function untilLost(proxy: FaultProxy, losses: number): Promise<void> {
  while (proxy.losses < losses) await sleep(5);
}

function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof BlackboardError && error.code === code;
}

test('learns the outcome of an append whose acknowledgement was lost, and writes it once', { skip }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t);
  assert.equal((await log.append({ topic, partition: 0, records: [record('first')] })).baseOffset, 0);
  for (let round = 1; round <= 5; round++) {
    proxy.requestBytesMin = 1_500;
    proxy.mode = 'cutOnReply';
    const lost = untilLost(proxy, proxy.losses + 1);
    const appended = log.append({ topic, partition: 0, records: [record(`lost ${round}`)] });
    await lost;
    proxy.mode = 'pass';
    assert.equal((await appended).baseOffset, round);
  }
  assert.ok(proxy.losses >= 5, `${proxy.losses} acknowledgements were lost`);
  assert.deepEqual(await contents(topic, 0), ['first', 'lost 1', 'lost 2', 'lost 3', 'lost 4', 'lost 5']);
});

test('takes the beginning of an answer that was cut off for nothing of the next connection', { skip }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t);
  await log.append({ topic, partition: 0, records: [record('first')] });
  for (let round = 1; round <= 5; round++) {
    proxy.requestBytesMin = 0;
    proxy.mode = 'cutInReply';
    const cut = untilLost(proxy, proxy.losses + 2);
    const appended = log.append({ topic, partition: 0, records: [record(`cut ${round}`)] });
    const ranges = log.ranges(topic);
    await cut;
    proxy.mode = 'pass';
    assert.equal((await appended).baseOffset, round);
    assert.equal((await ranges)[0]?.low, 0);
  }
  assert.ok(proxy.losses >= 5, `${proxy.losses} answers were cut`);
  assert.deepEqual(await contents(topic, 0), ['first', 'cut 1', 'cut 2', 'cut 3', 'cut 4', 'cut 5']);
});

test('says APPEND_UNKNOWN when no acknowledgement comes in time, and goes on with a new producer', { skip }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t, { sendTimeoutMs: 4_000, requestTimeoutMs: 1_000 });
  await log.append({ topic, partition: 0, records: [record('known')] });
  proxy.requestBytesMin = 1_500;
  proxy.mode = 'loseReplies';
  const began = Date.now();
  await Promise.all([
    assert.rejects(log.append({ topic, partition: 0, records: [record('unknown')] }), isCode('APPEND_UNKNOWN')),
    assert.rejects(log.append({ topic, partition: 1, records: [record('unknown too')] }), isCode('APPEND_UNKNOWN')),
  ]);
  assert.ok(Date.now() - began < 15_000);
  proxy.mode = 'pass';
  // Either partition may be the second to fail, and what is appended in the turn in which that is heard of is refused.
  await nextTurn();
  assert.equal((await log.append({ topic, partition: 0, records: [record('after')] })).baseOffset, 2);
  assert.deepEqual(await contents(topic, 0), ['known', 'unknown', 'after']);
  assert.deepEqual(await contents(topic, 1), ['unknown too']);
});

test('says APPEND_REFUSED when nothing could be sent, and it is not in the log', { skip }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t, { sendTimeoutMs: 4_000 });
  proxy.mode = 'refuse';
  await assert.rejects(log.append({ topic, partition: 0, records: [record('never')] }), (error) => isCode('APPEND_REFUSED')(error) && (error as BlackboardError).details['heals'] === true);
  proxy.mode = 'pass';
  await log.append({ topic, partition: 0, records: [record('once')] });
  assert.deepEqual(await contents(topic, 0), ['once']);
});

test('sends nothing that waited behind an append whose outcome is not known', { skip }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t, { sendTimeoutMs: 4_000, requestTimeoutMs: 1_000 });
  await log.append({ topic, partition: 0, records: [record('0')] });
  // Only the request that appends is lost; the leader may be asked for before it.
  proxy.requestBytesMin = 1_500;
  proxy.mode = 'loseAll';
  const sent = untilLost(proxy, 1);
  const first = log.append({ topic, partition: 0, records: [record('1')] });
  await sent;
  const second = log.append({ topic, partition: 0, records: [record('2')] });
  const elsewhere = log.append({ topic, partition: 1, records: [record('3')] });
  await assert.rejects(first, isCode('APPEND_UNKNOWN'));
  proxy.mode = 'pass';
  // In the very turn in which the failure is heard of.
  await assert.rejects(second, isCode('APPEND_REFUSED'));
  assert.equal((await elsewhere).baseOffset, 0);
  assert.equal((await log.append({ topic, partition: 0, records: [record('4')] })).baseOffset, 1);
  assert.deepEqual(await contents(topic, 0), ['0', '4']);
});

/** Appends numbered texts to four partitions, each partition one at a time, and keeps what was answered. */
async function appendAll(log: LogPort, topic: TopicName, perPartition: number): Promise<{ acknowledged: Map<string, string>; unknown: Set<string>; refused: Set<string> }> {
  const acknowledged = new Map<string, string>();
  const unknown = new Set<string>();
  const refused = new Set<string>();
  await Promise.all([0, 1, 2, 3].map(async (partition) => {
    for (let number = 0; number < perPartition; number += 5) {
      await Promise.all([0, 1, 2, 3, 4].map(async (more) => {
        const text = `${partition}-${number + more}`;
        try {
          const { baseOffset } = await log.append({ topic, partition, records: [record(text)] });
          acknowledged.set(text, `${partition}@${baseOffset}`);
        } catch (error) {
          assert.ok(error instanceof BlackboardError);
          (error.code === 'APPEND_UNKNOWN' ? unknown : refused).add(text);
        }
      }));
    }
  }));
  return { acknowledged, unknown, refused };
}

async function checkAll(topic: TopicName, outcome: Awaited<ReturnType<typeof appendAll>>): Promise<void> {
  const found = new Map<string, string[]>();
  for (const partition of [0, 1, 2, 3]) {
    for (const [offset, text] of (await contents(topic, partition)).entries()) found.set(text, [...(found.get(text) ?? []), `${partition}@${offset}`]);
  }
  for (const [text, where] of outcome.acknowledged) assert.deepEqual(found.get(text), [where], `${text} was acknowledged at ${where}`);
  for (const text of outcome.unknown) assert.ok((found.get(text) ?? []).length <= 1, `${text}, of unknown outcome, is there more than once`);
  for (const text of outcome.refused) assert.equal(found.get(text), undefined, `${text} was refused, and is there`);
}

test('loses and doubles nothing that was acknowledged while connections are cut at random', { skip, timeout: 60_000 }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t, { sendTimeoutMs: 2_000, requestTimeoutMs: 600 });
  let over = false;
  const storm = (async () => {
    for (let round = 0; !over; round++) {
      proxy.requestBytesMin = 1_500;
      proxy.mode = (['cutOnReply', 'loseReplies', 'pass', 'refuse', 'loseAll'] as const)[round % 5]!;
      await sleep(20 + (round * 37) % 90);
      proxy.mode = 'pass';
      if (round % 3 === 0) proxy.cutAll();
      await sleep(30);
    }
  })();
  // Enough of them that the storm meets some on any machine.
  const outcome = await appendAll(log, topic, 1_200);
  over = true;
  await storm;
  await checkAll(topic, outcome);
  t.diagnostic(`4,800 appends, ${proxy.losses} losses: ${outcome.acknowledged.size} acknowledged, ${outcome.unknown.size} unknown, ${outcome.refused.size} refused`);
  assert.ok(proxy.losses > 0, 'the storm lost something');
  assert.ok(outcome.acknowledged.size > 2_400);
});

test('keeps every acknowledged record when the broker is killed and started again amid appends', { skip, timeout: 90_000 }, async (t) => {
  const topic = await quarantine();
  const log = kafkaLog({ ...direct, sendTimeoutMs: 20_000, requestTimeoutMs: 3_000 });
  t.after(() => log.close());
  const appending = appendAll(log, topic, 3_000);
  await sleep(300);
  broker.kill();
  await broker.restart();
  const outcome = await appending;
  await checkAll(topic, outcome);
  t.diagnostic(`12,000 appends: ${outcome.acknowledged.size} acknowledged, ${outcome.unknown.size} unknown, ${outcome.refused.size} refused`);
  assert.ok(outcome.acknowledged.size > 6_000);
});

test('opens no more connections once the network is well again: nobody ends what another has begun anew', { skip, timeout: 60_000 }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t);
  let delivered = 0;
  const members = await Promise.all(['one', 'two'].map((name) => log.join({
    group: `${topic}.${name}`, topics: [topic],
    onAssigned: ({ gained }, member) => { for (const partition of gained) member.start(topic, partition, 0); },
    onBatch: (records) => { delivered += records.length; },
    onHalt: (error) => { throw error; },
  })));
  for (let round = 0; round < 12; round += 1) {
    // Waking in the middle of recoveries, so that several of them run at once.
    proxy.cutAll();
    for (const member of members) for (let partition = 0; partition < 4; partition += 1) member.resume(topic, partition);
    await sleep(round * 11);
  }
  await Promise.all([0, 1, 2, 3].map((partition) => log.append({ topic, partition, records: [record(`of ${partition}`)] })));
  const commit = (): Promise<unknown> => Promise.all(members.map((member) => member.commit([0, 1, 2, 3].map((partition) => ({ topic, partition, offset: 1, metadata: '' })))));
  while (delivered < 8) await sleep(50);
  await commit();
  await sleep(3_000);
  const begun = proxy.connections;
  for (let round = 0; round < 5; round += 1) {
    await commit();
    await sleep(300);
  }
  assert.equal(proxy.connections - begun, 0);
  assert.equal(delivered, 8);
  await Promise.all(members.map((member) => member.leave()));
});

test('joins a group through a network that resets connections', { skip, timeout: 60_000 }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t);
  const cutting = setInterval(() => proxy.cutAll(), 2);
  t.after(() => clearInterval(cutting));
  let isGained = false;
  const joining = log.join({ group: `${topic}.late`, topics: [topic], sessionTimeoutMs: 6_000, onAssigned: () => { isGained = true; }, onBatch: () => undefined, onHalt: (error) => { throw error; } });
  joining.catch(() => undefined);
  await sleep(3_000);
  clearInterval(cutting);
  const member = await joining;
  assert.ok(isGained);
  await member.leave();
});

test("joins a group on a topic of other people's through a network that resets connections", { skip, timeout: 60_000 }, async (t) => {
  const topic = await quarantine();
  const { log, proxy } = await proxied(t);
  await log.append({ topic, partition: 1, records: [record('theirs')] });
  const reader = kafkaLog({ ...direct, translateAddress: () => proxy.address });
  t.after(() => reader.close());
  const begun = proxy.connections;
  await reader.ranges(topic);
  // It first reads the topic's ranges, too; what comes after those is cut.
  const until = proxy.connections + (proxy.connections - begun);
  const cutting = setInterval(() => { if (proxy.connections > until) proxy.cutAll(); }, 2);
  t.after(() => clearInterval(cutting));
  const delivered: ForeignRecord[] = [];
  const joining = kafkaForeignSource({ ...direct, translateAddress: () => proxy.address }).consume({
    topic, group: `${topic}.foreign`, from: 'earliest', sessionTimeoutMs: 6_000, onHalt: (error) => { throw error; }, onStall: () => undefined,
    onBatch: async (records) => { delivered.push(...records); },
  });
  joining.catch(() => undefined);
  await sleep(3_000);
  clearInterval(cutting);
  const consumer = await joining;
  while (delivered.length === 0) await sleep(20);
  assert.deepEqual(delivered.map(({ partition, offset }) => [partition, offset]), [[1, 0]]);
  await consumer.close();
});

test('tells of a topic that was deleted under its reader, once, and does not halt', { skip, timeout: 120_000 }, async (t) => {
  const topic = await quarantine();
  const told: string[] = [];
  const { log } = await proxied(t, { onTrouble: (message) => told.push(message) });
  let halt: Error | null = null;
  const member = await log.join({
    group: `deleted.${topic}`, topics: [topic], onBatch: () => undefined, onHalt: (error) => { halt = error; },
    onAssigned: ({ gained }, joined) => { for (const partition of gained) joined.start(topic, partition, 0); },
  });
  await sleep(500);
  const admin = openClient(direct).kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  for (let tries = 0; tries < 400 && told.length === 0; tries += 1) await sleep(100);
  assert.match(told[0] ?? 'nothing was told', new RegExp(`read nothing of some partitions of ${topic}`));
  await sleep(3_000);
  assert.ok(told.length <= 2, `told once for what is led and once for who leads: ${told.join('; ')}`);
  assert.equal(halt, null);
  await member.leave();
});
