import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKafkaConnection, kafkaSettings } from '../cli/kafka-settings.js';
import { readConfig } from './config.js';
import { BlackboardError } from './errors.js';
import { checkProfile, plumbingConfigSchema } from './plumbing-config.js';

const needed = { KAFKA_BROKERS: 'kafka:9092', SCHEMA_REGISTRY_URL: 'http://registry', BLACKBOARD_KEYS: '[]' };
const whole = { KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_USERNAME: 'orchestrator', KAFKA_PASSWORD: 'hidden' };

for (const left of Object.keys(whole)) {
  test(`refuses a login without ${left}, which would be none at all`, () => {
    const part = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== left));
    const asks = (error: unknown): boolean => error instanceof BlackboardError && error.code === 'CONFIG_INVALID' && error.message.includes(left) && !error.message.includes('hidden');
    for (const BLACKBOARD_PROFILE of ['local', 'production']) {
      assert.throws(() => checkProfile(readConfig(plumbingConfigSchema, { ...needed, ...part, BLACKBOARD_PROFILE })), asks);
    }
    assert.throws(() => readKafkaConnection(readConfig(kafkaSettings, part), ['kafka:9092']), asks);
  });
}

test('takes a whole login in production, and none in local', () => {
  checkProfile(readConfig(plumbingConfigSchema, { ...needed, ...whole, BLACKBOARD_PROFILE: 'production' }));
  checkProfile(readConfig(plumbingConfigSchema, needed));
  assert.throws(() => checkProfile(readConfig(plumbingConfigSchema, { ...needed, BLACKBOARD_PROFILE: 'production' })), { code: 'INSECURE_IN_PRODUCTION' });
  assert.equal(readKafkaConnection(readConfig(kafkaSettings, whole), ['kafka:9092']).sasl?.username, 'orchestrator');
});
