import { z } from 'zod';
import { httpUrl, integer, list, refuseInsecureInProduction, secret, flag } from './config.js';
import { observabilityConfigSchema } from './observability-config.js';

/** Variables that every service shares. */
export const plumbingConfigSchema = observabilityConfigSchema.extend({
  BLACKBOARD_PROFILE: z.enum(['local', 'production']).default('local').describe('production refuses listeners without authentication and asks for replication').meta({ shape: 'local or production' }),
  BLACKBOARD_TOPIC_PREFIX: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,60}\.$/).default('bb.').describe('Prefix of all topics: one blackboard').meta({ shape: 'lower-case letters, digits, dots, dashes; ends with a dot' }),
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

/** @throws BlackboardError INSECURE_IN_PRODUCTION */
export function checkProfile(config: PlumbingConfig): void {
  refuseInsecureInProduction({ profile: config.BLACKBOARD_PROFILE, listeners: [{ name: 'KAFKA_BROKERS', authenticated: config.KAFKA_SASL_MECHANISM !== undefined }] });
}
