// What the client and the broker can do without us: the hop of one record, batches, reading. Plain kafkajs.

import { Kafka, logLevel, type Consumer, type Producer } from 'kafkajs';
import type { Figures } from '../w3/measure.js';
import { percentile } from '../w3/percentile.js';

const recordBytes = 384;
const batchRecords = 250;

export interface RawKafkaSizes {
  readonly hops: number;
  readonly records: number;
}

function rawClient(brokers: string[]): Kafka {
  return new Kafka({ clientId: 'bench-raw', brokers, logLevel: logLevel.NOTHING });
}

/** @param bootstrap host:port of a broker without authentication. */
export async function rawKafka(bootstrap: string, sizes: RawKafkaSizes): Promise<Figures> {
  const kafka = rawClient([bootstrap]);
  const topic = `bench-raw-${process.pid}-${Date.now()}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 4, replicationFactor: 1 }] });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  try {
    const hop = await hops(kafka, producer, topic, sizes.hops);
    const batches = await batchRate(producer, topic, sizes.records);
    return { ...hop, ...batches, consumePerS: await consumeRate([bootstrap], topic, sizes.records) };
  } finally {
    await producer.disconnect();
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();
  }
}

/** One record at a time, from the send to the consumer. */
async function hops(kafka: Kafka, producer: Producer, topic: string, count: number): Promise<Figures> {
  let arrived: () => void = () => undefined;
  const consumer = await consuming(kafka, topic, false, () => arrived());
  const tookMs: number[] = [];
  for (let index = -50; index < count; index += 1) {
    const arrival = new Promise<void>((resolve) => { arrived = resolve; });
    const sinceMs = performance.now();
    await Promise.all([arrival, producer.send({ topic, acks: -1, messages: [{ partition: 0, value: Buffer.alloc(recordBytes, 1) }] })]);
    if (index >= 0) tookMs.push(performance.now() - sinceMs);
  }
  await consumer.disconnect();
  return { hopP50Ms: percentile(tookMs, 50), hopP99Ms: percentile(tookMs, 99) };
}

/** Four partitions in one send, one send at a time, as the producer rules have it. */
async function batchRate(producer: Producer, topic: string, records: number): Promise<Figures> {
  const sinceMs = performance.now();
  for (let sent = 0; sent < records; sent += 4 * batchRecords) {
    const messages = Array.from({ length: 4 * batchRecords }, (_, index) => ({ partition: index % 4, value: Buffer.alloc(recordBytes, 1) }));
    await producer.send({ topic, acks: -1, messages });
  }
  return { producePerS: records / ((performance.now() - sinceMs) / 1000) };
}

/** Records a second that plain kafkajs reads of a topic that holds `records`, from the first one that arrives. */
export async function consumeRate(brokers: string[], topic: string, records: number): Promise<number> {
  let seen = 0;
  let sinceMs = 0;
  let done: (rate: number) => void = () => undefined;
  const rate = new Promise<number>((resolve) => { done = resolve; });
  const consumer = await consuming(rawClient(brokers), topic, true, (count) => {
    if (seen === 0) sinceMs = performance.now();
    seen += count;
    if (seen >= records) done(seen / ((performance.now() - sinceMs) / 1000));
  });
  const found = await rate;
  await consumer.disconnect();
  return found;
}

async function consuming(kafka: Kafka, topic: string, fromBeginning: boolean, onRecords: (count: number) => void): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId: `${topic}-${fromBeginning ? 'all' : 'new'}-${Date.now()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning });
  const joined = new Promise<void>((resolve) => { consumer.on(consumer.events.GROUP_JOIN, () => resolve()); });
  await consumer.run({ autoCommit: false, eachBatch: ({ batch }) => {
    onRecords(batch.messages.length);
    return Promise.resolve();
  } });
  await joined;
  return consumer;
}
