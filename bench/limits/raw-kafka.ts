// What the client and the broker can do without us: the hop of one record, batches, reading. Plain kafkajs, without
// Nagle's delay.

import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { Kafka, logLevel, type Admin, type Consumer, type ISocketFactory, type Producer } from 'kafkajs';
import type { Figures } from '../w3/measure.js';
import { percentile } from '../w3/percentile.js';
import { producerPerf } from './producer-perf.js';

const recordBytes = 384;
const batchRecords = 250;
/** As many times the records go through Kafka's own producer: a Java program is slow for its first second. */
const producerPerfTimes = 4;

const undelayed: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const socket = (ssl as unknown) ? connectTls({ ...ssl, host, port }, onConnect) : connectTcp({ host, port }, onConnect);
  return socket.setNoDelay(true);
};

export function rawClient(brokers: string[]): Kafka {
  return new Kafka({ clientId: 'bench-raw', brokers, logLevel: logLevel.NOTHING, socketFactory: undelayed });
}

/** A topic of its own and a producer, kept through the run so that each turn finds client and broker warm. */
export class RawKafka {
  private constructor(private readonly kafka: Kafka, private readonly admin: Admin, private readonly producer: Producer, private readonly brokers: string[], private readonly topic: string) {}

  /** @param bootstrap host:port of a broker without authentication. */
  static async open(bootstrap: string): Promise<RawKafka> {
    const kafka = rawClient([bootstrap]);
    const topic = `bench-raw-${process.pid}-${Date.now()}`;
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 4, replicationFactor: 1 }, { topic: `${topic}-hops`, numPartitions: 1, replicationFactor: 1 }] });
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    return new RawKafka(kafka, admin, producer, [bootstrap], topic);
  }

  async close(): Promise<void> {
    await this.producer.disconnect();
    await this.admin.deleteTopics({ topics: [this.topic, `${this.topic}-hops`] });
    await this.admin.disconnect();
  }

  /** One record at a time, from the send to the consumer; a fifth as many are sent before, unmeasured. */
  async hops(count: number): Promise<Figures> {
    let arrived: () => void = () => undefined;
    const topic = `${this.topic}-hops`;
    const consumer = await consuming(this.kafka, topic, false, () => arrived());
    await this.#untilItArrives(topic, (listener) => { arrived = listener; });
    const tookMs: number[] = [];
    for (let index = -Math.ceil(count / 5); index < count; index += 1) {
      const arrival = new Promise<void>((resolve) => { arrived = resolve; });
      const sinceMs = performance.now();
      await Promise.all([arrival, this.producer.send({ topic, acks: -1, messages: [{ partition: 0, value: Buffer.alloc(recordBytes, 1) }] })]);
      if (index >= 0) tookMs.push(performance.now() - sinceMs);
    }
    await consumer.disconnect();
    return { hopP50Ms: percentile(tookMs, 50), hopP99Ms: percentile(tookMs, 99) };
  }

  /** A consumer that has joined has not looked up yet where to begin: what is sent before, it never sees. */
  async #untilItArrives(topic: string, listen: (arrived: () => void) => void): Promise<void> {
    let hasArrived = false;
    listen(() => { hasArrived = true; });
    while (!hasArrived) {
      await this.producer.send({ topic, acks: -1, messages: [{ partition: 0, value: Buffer.alloc(recordBytes, 1) }] });
      await sleep(100);
    }
  }

  /** Four partitions in one send, one send at a time, as the producer rules have it; then all of it read again. */
  async batches(records: number): Promise<Figures> {
    const sinceMs = performance.now();
    for (let sent = 0; sent < records; sent += 4 * batchRecords) {
      const messages = Array.from({ length: 4 * batchRecords }, (_, index) => ({ partition: index % 4, value: Buffer.alloc(recordBytes, 1) }));
      await this.producer.send({ topic: this.topic, acks: -1, messages });
    }
    const producePerS = records / ((performance.now() - sinceMs) / 1000);
    const consumePerS = await consumeRate(this.brokers, this.topic, records);
    return { producePerS, consumePerS, ...await producerPerf(this.brokers[0] ?? '', this.topic, producerPerfTimes * records) };
  }
}

/** Records a second that plain kafkajs reads of a topic that holds `records`, from the first one that arrives. */
export async function consumeRate(brokers: string[], topic: string, records: number, each: (value: Buffer) => void = () => undefined): Promise<number> {
  let seen = 0;
  let sinceMs = 0;
  let done: (rate: number) => void = () => undefined;
  const rate = new Promise<number>((resolve) => { done = resolve; });
  const consumer = await consuming(rawClient(brokers), topic, true, (values) => {
    if (seen === 0) sinceMs = performance.now();
    for (const value of values) each(value);
    seen += values.length;
    if (seen >= records) done(seen / ((performance.now() - sinceMs) / 1000));
  });
  const found = await rate;
  await consumer.disconnect();
  return found;
}

async function consuming(kafka: Kafka, topic: string, fromBeginning: boolean, onValues: (values: readonly Buffer[]) => void): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId: `${topic}-${fromBeginning ? 'all' : 'new'}-${Date.now()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning });
  const joined = new Promise<void>((resolve) => { consumer.on(consumer.events.GROUP_JOIN, () => resolve()); });
  await consumer.run({ autoCommit: false, eachBatch: ({ batch }) => {
    onValues(batch.messages.map(({ value }) => value as Buffer));
    return Promise.resolve();
  } });
  await joined;
  return consumer;
}
