import { principalsVariable } from '../../workflows/principals-variable.js';
import { integer, secret } from '../../services/runtime/config.js';
import { plumbingConfigSchema } from '../../services/runtime/plumbing-config.js';

const databaseUrl = 'postgres://user:password@host:port/database';

/** Variables of the one-shot set-up of a deployment. */
export const setupConfigSchema = plumbingConfigSchema.omit({ BLACKBOARD_KEYS: true, KAFKA_SESSION_TIMEOUT_MS: true }).extend({
  SETUP_DATABASE_URL: secret().describe('Postgres as its owner: migrates, and makes the logins of the services').meta({ shape: databaseUrl }),
  SETUP_PROJECTOR_DATABASE_URL: secret().optional().describe('DATABASE_URL of the projector: its login is made').meta({ shape: databaseUrl }),
  SETUP_SNAPSHOTS_DATABASE_URL: secret().optional().describe('DATABASE_URL of the snapshots: its login is made').meta({ shape: databaseUrl }),
  SETUP_ORCHESTRATOR_DATABASE_URL: secret().optional().describe('DATABASE_URL of the orchestrator: its login is made').meta({ shape: databaseUrl }),
  SETUP_INGRESS_DATABASE_URL: secret().optional().describe('DATABASE_URL of ingress: its login is made').meta({ shape: databaseUrl }),
  SETUP_GATEWAY_DATABASE_URL: secret().optional().describe('DATABASE_URL of the gateway: its login is made').meta({ shape: databaseUrl }),
  SETUP_REPLICATION: integer(1, 9).default(1).describe('Replicas of each topic; at least 3 in the production profile'),
  SETUP_ACLS: integer(0, 1).default(0).describe('1: write the access lists of all principals that ship and of BLACKBOARD_PRINCIPALS, for a broker with an authorizer'),
  BLACKBOARD_PRINCIPALS: principalsVariable,
});
