import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '../../topics/topics.js';
import { BlackboardError } from './errors.js';
import { createLogger } from './logger.js';
import { requirePartitions } from './require-partitions.js';

const logger = createLogger({ service: 'test', level: 'silent' });
const topic = topicNames().quarantine;
const ranges = (count: number) => Array.from({ length: count }, (_, partition) => ({ partition, low: 0, next: 0 }));

test('lets a process start with the count that the topic has, and with no other', async () => {
  const parts = { log: { ranges: () => Promise.resolve(ranges(64)) }, topic, logger };
  await requirePartitions(parts, 64);
  await assert.rejects(requirePartitions(parts, 4), (error) => error instanceof BlackboardError && error.code === 'TOPOLOGY_DRIFT' && error.message.includes('BLACKBOARD_PARTITIONS=64'));
});

test('waits for brokers that are away, and not for what they refuse', async () => {
  let asked = 0;
  const answers = (details: object) => ({ ranges: () => { asked += 1; return asked > 1 ? Promise.resolve(ranges(4)) : Promise.reject(new BlackboardError('KAFKA_UNAVAILABLE', 'no', { ...details })); } });
  await requirePartitions({ log: answers({ lastError: 'KafkaJSConnectionError' }), topic, logger }, 4);
  asked = 0;
  await assert.rejects(requirePartitions({ log: answers({ reason: 'TOPIC_AUTHORIZATION_FAILED' }), topic, logger }, 4), { code: 'KAFKA_UNAVAILABLE' });
  assert.equal(asked, 1);
});
