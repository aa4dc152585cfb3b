import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { startBroker, type BrokerUser } from './broker.js';
import { whatIsMissing } from './for-tests.js';

const skip = (await whatIsMissing({ kafka: true })) ?? false;

function client(bootstrap: string, user?: BrokerUser, retries = 8): Kafka {
  const sasl = user === undefined ? {} : { sasl: { mechanism: 'scram-sha-256' as const, username: user.name, password: user.password } };
  return new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50, retries }, ...sasl });
}

async function append(kafka: Kafka, topic: string, value: string): Promise<void> {
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages: [{ key: 'k', value }] });
  } finally {
    await producer.disconnect();
  }
}

async function readAll(kafka: Kafka, { topic, count, groupId }: { topic: string; count: number; groupId: string }): Promise<string[]> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`read ${values.length} of ${count} records in 60 s`)), 60_000);
    const eachMessage = ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
      values.push(String(message.value));
      if (values.length === count) {
        clearTimeout(timer);
        resolve();
      }
      return Promise.resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return values;
}

async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] });
  await admin.disconnect();
}

test('a killed broker comes back on the same port with every acknowledged record', { skip, timeout: 120_000 }, async () => {
  const broker = await startBroker({ security: 'none' });
  try {
    const kafka = client(broker.bootstrap);
    await createTopic(kafka, 'kept');
    await append(kafka, 'kept', 'before');
    const before = broker.pid;
    broker.kill();
    await broker.restart();
    assert.notEqual(broker.pid, before);
    await append(kafka, 'kept', 'after');
    assert.deepEqual(await readAll(kafka, { topic: 'kept', count: 2, groupId: 'readers' }), ['before', 'after']);
    await assert.rejects(append(client(broker.bootstrap, undefined, 1), 'never-created', 'x'), 'no topic appears by writing to it');
  } finally {
    await broker.stop();
  }
  assert.equal(existsSync(broker.dir), false, 'a scratch folder goes with its broker');
});

test('a user without rights is refused, and the admin is not', { skip, timeout: 120_000 }, async () => {
  const stranger = { name: 'stranger', password: 'secret' };
  const broker = await startBroker({ security: 'scram', users: [stranger] });
  try {
    assert.ok(broker.admin);
    const admin = client(broker.bootstrap, broker.admin);
    await createTopic(admin, 'guarded');
    await append(admin, 'guarded', 'by the admin');
    await assert.rejects(append(client(broker.bootstrap, stranger), 'guarded', 'x'), /authoriz/i);
    await assert.rejects(append(client(broker.bootstrap, { ...stranger, password: 'wrong' }), 'guarded', 'x'), /authentication/i);
    assert.deepEqual(await readAll(admin, { topic: 'guarded', count: 1, groupId: 'admins' }), ['by the admin']);
  } finally {
    await broker.stop();
  }
});
