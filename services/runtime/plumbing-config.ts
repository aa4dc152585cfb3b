import { z } from 'zod';
import { prefixPattern, prefixShape } from '../../topics/topics.js';
import { httpUrl, integer, list, refuseInsecureInProduction, secret, flag } from './config.js';
import { BlackboardError } from './errors.js';
import type { KafkaSasl } from './log/kafka/kafka-client.js';
import { observabilityConfigSchema } from './observability-config.js';

/** Variables that every service shares. */
export const plumbingConfigSchema = observabilityConfigSchema.extend({
  BLACKBOARD_PROFILE: z.enum(['local', 'production']).default('local').describe('production refuses listeners without authentication and asks for replication').meta({ shape: 'local or production' }),
  BLACKBOARD_TOPIC_PREFIX: z.string().regex(prefixPattern, prefixShape).default('bb.').describe('Prefix of all topics: one blackboard').meta({ shape: prefixShape }),
  BLACKBOARD_PARTITIONS: integer(1, 1024).default(4).describe('Partitions of quarantine and of verified; never changes (64 in production)'),
  KAFKA_BROKERS: list().describe('Brokers, host:port'),
  KAFKA_SSL: flag().default(false).describe('Whether brokers are reached by TLS'),
  KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional().describe('How this process authenticates; none unless given').meta({ shape: 'plain, scram-sha-256 or scram-sha-512' }),
  KAFKA_USERNAME: z.string().optional().describe('Name for SASL').meta({ shape: 'text' }),
  KAFKA_PASSWORD: secret().optional().describe('Password for SASL'),
  KAFKA_SESSION_TIMEOUT_MS: integer(1_000, 300_000).default(10_000).describe('After this without a heartbeat a member is replaced').meta({ unit: 'ms' }),
  SCHEMA_REGISTRY_URL: httpUrl().describe('Confluent-compatible registry, e.g. http://registry:8080/apis/ccompat/v7'),
  BLACKBOARD_KEYS: secret().describe('Signing keys of this process, as JSON; make them with "blackboard keys"'),
});

export type PlumbingConfig = Readonly<z.output<typeof plumbingConfigSchema>>;

type SaslVariables = Pick<PlumbingConfig, 'KAFKA_SASL_MECHANISM' | 'KAFKA_USERNAME' | 'KAFKA_PASSWORD'>;

/**
 * How to log in; undefined: not at all, which is never what half a login means.
 * @throws BlackboardError CONFIG_INVALID naming what is missing
 */
export function saslOf({ KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: username, KAFKA_PASSWORD: password }: SaslVariables): KafkaSasl | undefined {
  if (mechanism !== undefined && username !== undefined && password !== undefined) return { mechanism, username, password };
  const parts = { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: username, KAFKA_PASSWORD: password };
  const missing = Object.entries(parts).filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length === Object.keys(parts).length) return undefined;
  throw new BlackboardError('CONFIG_INVALID', `half a login for Kafka: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set, and without ${missing.length === 1 ? 'it' : 'them'} this process would come as nobody; nothing was started. Set all of ${Object.keys(parts).join(', ')} (or KAFKA_PASSWORD_FILE), or none`, { missing });
}

/** @throws BlackboardError INSECURE_IN_PRODUCTION, CONFIG_INVALID */
export function checkProfile(config: PlumbingConfig): void {
  saslOf(config);
  refuseInsecureInProduction({ profile: config.BLACKBOARD_PROFILE, listeners: [{ name: 'KAFKA_BROKERS', authenticated: config.KAFKA_SASL_MECHANISM !== undefined }] });
}
