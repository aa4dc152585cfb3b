// How commands reach Kafka: the same variables as the services', without those that a command does not need.

import { z } from 'zod';
import { list, readConfig } from '../runtime/config.js';
import type { KafkaConnection } from '../runtime/log/kafka/kafka-client.js';
import { plumbingConfigSchema, saslOf } from '../runtime/plumbing-config.js';

/** Without brokers: they may be started first. */
export const kafkaSettings = plumbingConfigSchema.pick({
  BLACKBOARD_PROFILE: true, BLACKBOARD_TOPIC_PREFIX: true, BLACKBOARD_PARTITIONS: true, KAFKA_SSL: true, KAFKA_SASL_MECHANISM: true, KAFKA_USERNAME: true, KAFKA_PASSWORD: true,
});
export type KafkaSettings = Readonly<z.output<typeof kafkaSettings>>;

const withBrokers = kafkaSettings.extend({ KAFKA_BROKERS: list().describe('Brokers, host:port') });

/** @throws BlackboardError CONFIG_INVALID where a login is not whole. */
export function readKafkaConnection(settings: KafkaSettings, brokers: readonly string[]): KafkaConnection {
  const sasl = saslOf(settings);
  return { brokers, clientId: `blackboard-cli-${process.pid}`, ssl: settings.KAFKA_SSL, ...(sasl === undefined ? {} : { sasl }) };
}

/** @throws BlackboardError CONFIG_INVALID naming every variable that is missing or wrong. */
export function kafkaFromEnvironment(env: NodeJS.ProcessEnv): { readonly settings: KafkaSettings; readonly connection: KafkaConnection } {
  const settings = readConfig(withBrokers, env);
  return { settings, connection: readKafkaConnection(settings, settings.KAFKA_BROKERS) };
}
