// The Kafka adapter against a real broker: the contract that every log passes, and its figures on this machine.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { sharedBroker, whatIsMissing } from '../../../../infra/local/for-tests.js';
import { applyTopics } from '../../../../infra/topics/apply.js';
import { topicNames, type TopicName } from '../../../../topics/topics.js';
import { logContract } from '../../../testing/log-contract.js';
import { BlackboardError } from '../../errors.js';
import type { LogPort } from '../port.js';
import { kafkaLog } from './kafka-log.js';

const missing = await whatIsMissing({ kafka: true });
const partitions = 4;

async function freshTopics(bootstrap: string): Promise<{ quarantine: TopicName; verified: TopicName }> {
  const prefix = `log-${randomBytes(4).toString('hex')}.`;
  await applyTopics({ brokers: [bootstrap], clientId: 'set-up' }, { prefix, partitions, replication: 1, profile: 'local' });
  return topicNames(prefix);
}

if (missing === undefined) {
  logContract('kafka', async () => {
    const { bootstrap, release } = await sharedBroker();
    const { quarantine, verified } = await freshTopics(bootstrap);
    return {
      open: async () => kafkaLog({ brokers: [bootstrap], clientId: 'log-contract' }),
      topics: { a: quarantine, b: verified },
      partitions,
      sessionTimeoutMs: 6_000,
      dispose: release,
    };
  });
} else {
  test('the log contract: kafka', { skip: missing }, () => undefined);
}

describe('the Kafka log', { skip: missing ?? false }, () => {
  let broker: { bootstrap: string; release: () => Promise<void> };
  let log: LogPort;
  let topics: { quarantine: TopicName; verified: TopicName };

  before(async () => {
    if (missing !== undefined) return;
    broker = await sharedBroker();
    topics = await freshTopics(broker.bootstrap);
    log = kafkaLog({ brokers: [broker.bootstrap], clientId: 'figures' });
  });
  after(async () => {
    if (missing !== undefined) return;
    await log.close();
    await broker.release();
  });

  test('reads what a writer has packed with a codec that Node lacks: the broker keeps it unpacked', async () => {
    const value = Buffer.from('packed by somebody else');
    const { Kafka, CompressionCodecs, CompressionTypes, logLevel } = kafkajs;
    CompressionCodecs[CompressionTypes.Snappy] = () => ({ compress: async ({ buffer }: { buffer: Buffer }) => snappyOfLiterals(buffer), decompress: async () => { throw new Error('nobody reads here'); } });
    const producer = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    try {
      const [sent] = await producer.send({ topic: topics.verified, compression: CompressionTypes.Snappy, messages: [{ partition: 2, value }] });
      const from = Number(sent!.baseOffset);
      for await (const batch of log.read({ topic: topics.verified, partition: 2, from, until: from + 1 })) assert.deepEqual(batch.map((record) => record.value), [value]);
      const end = (await log.ranges(topics.verified)).find(({ partition }) => partition === 2);
      assert.equal(end?.next, from + 1);
    } finally {
      await producer.disconnect();
    }
  });

  const event = { key: Buffer.from('0123456789abcdef'), value: Buffer.alloc(384, 7) };

  test('refuses a partition that the topic does not have', async () => {
    await assert.rejects(log.append({ topic: topics.verified, partition: partitions, records: [event] }), (error) => error instanceof BlackboardError && error.code === 'APPEND_REFUSED');
  });

  test('answers what was appended before it is closed, and refuses what comes later', async () => {
    const other = kafkaLog({ brokers: [broker.bootstrap], clientId: 'closing' });
    const appends = Array.from({ length: 500 }, (_, number) => other.append({ topic: topics.quarantine, partition: number % partitions, records: [event] }));
    await other.close();
    assert.equal((await Promise.all(appends)).length, 500);
    await assert.rejects(other.append({ topic: topics.quarantine, partition: 0, records: [event] }), (error) => error instanceof BlackboardError && error.code === 'APPEND_REFUSED');
  });

  test('appends alone in under 20 ms, and shares requests when many wait', { timeout: 60_000 }, async (t) => {
    const latencies: number[] = [];
    for (let number = 0; number < 1_500; number++) {
      const beganMs = performance.now();
      await log.append({ topic: topics.verified, partition: 0, records: [event] });
      latencies.push(performance.now() - beganMs);
    }
    latencies.sort((left, right) => left - right);
    const p50 = latencies[Math.floor(latencies.length * 0.5)]!;
    t.diagnostic(`one at a time: p50 ${p50.toFixed(2)} ms, p99 ${latencies[Math.floor(latencies.length * 0.99)]!.toFixed(2)} ms`);
    assert.ok(p50 < 20);

    const beganMs = performance.now();
    let appended = 0;
    await Promise.all(Array.from({ length: 256 }, async (_, number) => {
      while (performance.now() - beganMs < 4_000) {
        await log.append({ topic: topics.verified, partition: number % partitions, records: [event] });
        appended += 1;
      }
    }));
    const perSecond = appended / ((performance.now() - beganMs) / 1_000);
    t.diagnostic(`256 at a time over ${partitions} partitions: ${Math.round(perSecond)} appends/s`);
    // One request for each append could not reach this.
    assert.ok(perSecond > 10_000 / p50 / 4);
  });

  test('reads and consumes all that was appended, in order', { timeout: 60_000 }, async (t) => {
    const ranges = await log.ranges(topics.verified);
    const total = ranges.reduce((sum, { next }) => sum + next, 0);
    let beganMs = performance.now();
    let read = 0;
    for (const { partition } of ranges) {
      for await (const records of log.read({ topic: topics.verified, partition, from: 0 })) read += records.length;
    }
    t.diagnostic(`read ${read}: ${Math.round(read / ((performance.now() - beganMs) / 1_000))} records/s`);
    assert.equal(read, total);

    const next = new Map<number, number>();
    let consumed = 0;
    beganMs = performance.now();
    const member = await log.join({
      group: `figures-${topics.verified}`, topics: [topics.verified],
      onAssigned: ({ gained }, joined) => { for (const partition of gained) joined.start(topics.verified, partition, 0); },
      onBatch: (records) => {
        for (const { partition, offset } of records) {
          assert.equal(offset, next.get(partition) ?? 0);
          next.set(partition, offset + 1);
        }
        consumed += records.length;
      },
      onHalt: (error) => { throw error; },
    });
    while (consumed < total && performance.now() - beganMs < 30_000) await sleep(5);
    t.diagnostic(`consumed ${consumed}: ${Math.round(consumed / ((performance.now() - beganMs) / 1_000))} records/s, joining included`);
    assert.equal(consumed, total);
    await member.leave();
  });
});

/** Snappy in the frame that Kafka's clients write, of one block of literals: packed by name only. */
function snappyOfLiterals(bytes: Buffer): Buffer {
  assert.ok(bytes.length < 2 ** 14);
  const block = Buffer.concat([Buffer.from([(bytes.length & 0x7f) | 0x80, bytes.length >> 7, 61 << 2, (bytes.length - 1) & 0xff, (bytes.length - 1) >> 8]), bytes]);
  const frame = Buffer.alloc(20);
  frame.write('\x82SNAPPY\0', 'latin1');
  frame.writeInt32BE(1, 8);
  frame.writeInt32BE(1, 12);
  frame.writeInt32BE(block.length, 16);
  return Buffer.concat([frame, block]);
}
