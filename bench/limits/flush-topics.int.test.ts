import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import kafkajs from 'kafkajs';
import { sharedBroker } from '../../infra/local/for-tests.js';
import { flushTopics } from './flush-topics.js';
import { rawClient } from './raw-kafka.js';

const broker = await sharedBroker();
const admin = rawClient([broker.bootstrap]).admin();
await admin.connect();
const topic = `flush-${process.pid}-${Date.now()}`;
await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1, replicationFactor: 1, configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }] }] });
after(async () => {
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  await broker.release();
});

async function settings(): Promise<Readonly<Record<string, string>>> {
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['flush.messages', 'message.timestamp.type'] }] });
  return Object.fromEntries((resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]));
}

test('a topic is flushed at each record and no longer, and keeps all that it had of its own', async () => {
  const before = await settings();
  await flushTopics([broker.bootstrap], [topic], true);
  assert.deepEqual(await settings(), { 'flush.messages': '1', 'message.timestamp.type': 'LogAppendTime' });
  await flushTopics([broker.bootstrap], [topic], false);
  assert.deepEqual(await settings(), before);
});
