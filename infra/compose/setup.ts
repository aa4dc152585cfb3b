// node setup.js: brings a deployment's servers to what this version needs, and ends: topics, access lists, schemas,
// tables, logins. Safe to run again, and to run before every start.

import { join } from 'node:path';
import { registryCodec } from '../../services/runtime/codec/registry-codec.js';
import { readConfig } from '../../services/runtime/config.js';
import { BlackboardError } from '../../services/runtime/errors.js';
import { createLogger } from '../../services/runtime/logger.js';
import type { PlumbingConfig } from '../../services/runtime/plumbing-config.js';
import { checkProfile } from '../../services/runtime/plumbing-config.js';
import { openPgDatabase } from '../../services/runtime/postgres/pg-database.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { kafkaConnection } from '../../services/runtime/run-stage.js';
import { seamsFromEnvironment, through } from '../../services/runtime/seams.js';
import { loadPolicy } from '../../workflows/policy.js';
import { migratePostgres } from '../sql/migrate.js';
import { aclRows, applyAcls } from '../topics/acls.js';
import { applyTopics } from '../topics/apply.js';
import { brokerPrincipals } from '../topics/broker-principals.js';
import { loginOf, makeLogins } from './database-logins.js';
import { setupConfigSchema } from './setup-config.js';

try {
  await setUp(process.env);
} catch (error) {
  const code = error instanceof BlackboardError ? error.code : 'UNEXPECTED';
  process.stderr.write(`setup: ${code}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = code === 'CONFIG_INVALID' || code === 'INSECURE_IN_PRODUCTION' ? 78 : 1;
}

async function setUp(env: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(setupConfigSchema, env);
  const plumbing = config as unknown as PlumbingConfig;
  checkProfile(plumbing);
  const logger = createLogger({ service: 'setup', level: config.BLACKBOARD_LOG_LEVEL });
  const { BLACKBOARD_TOPIC_PREFIX: prefix, BLACKBOARD_PARTITIONS: partitions, BLACKBOARD_PROFILE: profile } = config;

  const seams = seamsFromEnvironment(env);
  const connection = kafkaConnection(plumbing, 'setup');
  for (const change of await through(seams, 'setup.apply-topics', () => applyTopics(connection, { prefix, partitions, replication: config.SETUP_REPLICATION, profile }))) logger.info(change, 'topic');
  if (config.SETUP_ACLS === 1) {
    const { principals } = loadPolicy({ principalsFile: config.BLACKBOARD_PRINCIPALS });
    logger.info({ rows: await applyAcls(connection, aclRows(brokerPrincipals(principals), prefix)) }, 'access lists');
  }
  await through(seams, 'setup.register-schemas', () => registryCodec({ url: config.SCHEMA_REGISTRY_URL, schemasDir: join(projectRoot, 'schemas'), topicPrefix: prefix }));
  logger.info('schemas registered');

  const databaseUrl = config.SETUP_DATABASE_URL.reveal();
  logger.info({ applied: await through(seams, 'setup.migrate', () => migratePostgres(databaseUrl)) }, 'migrations');
  const db = openPgDatabase({ connectionString: databaseUrl, applicationName: 'setup' });
  try {
    const logins = ([
      [config.SETUP_PROJECTOR_DATABASE_URL, 'blackboard_projector'], [config.SETUP_SNAPSHOTS_DATABASE_URL, 'blackboard_snapshots'], [config.SETUP_ORCHESTRATOR_DATABASE_URL, 'blackboard_orchestrator'],
      [config.SETUP_INGRESS_DATABASE_URL, 'blackboard_reader'], [config.SETUP_GATEWAY_DATABASE_URL, 'blackboard_gateway'],
    ] as const)
      .flatMap(([url, role]) => (url === undefined ? [] : [loginOf(url.reveal(), role)]));
    await makeLogins(db, logins);
    logger.info({ logins: logins.map(({ name, role }) => ({ name, role })) }, 'logins');
  } finally {
    await db.close();
  }
}
