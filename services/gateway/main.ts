// The gateway's process: the one door to bodies and models, and the only holder of the model key.

import { onceMigrated } from '../../infra/sql/once-migrated.js';
import { agentsThatShip, servicePrincipals } from '../../workflows/policy.js';
import { openDiskBodyStore } from '../runtime/bodies/disk-body-store.js';
import { BlackboardError } from '../runtime/errors.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { postgresBodyStore } from '../runtime/postgres/postgres-body-store.js';
import { requireKeysOfAgents } from '../runtime/require-keys.js';
import { runStage } from '../runtime/run-stage.js';
import { gatewayConfigSchema } from './config.js';
import { createModels } from './models/create-models.js';
import { startGateway } from './start-gateway.js';

await runStage({
  name: 'gateway',
  schema: gatewayConfigSchema,
  start: async (config, plumbing) => {
    const { DATABASE_URL: databaseUrl, BLACKBOARD_BODIES_DIR: folder, GATEWAY_LOOK_BACK: lookBackMs } = config;
    if ((databaseUrl === undefined) === (folder === undefined)) throw new BlackboardError('CONFIG_INVALID', 'where bodies are kept is not clear; nothing was started. Set one of DATABASE_URL and BLACKBOARD_BODIES_DIR.');
    requireKeysOfAgents(plumbing.keyring, 'gateway', { services: servicePrincipals, askers: ['ingress', ...agentsThatShip] }, plumbing.logger);
    const db = databaseUrl === undefined ? null : openPgDatabase({ connectionString: databaseUrl.reveal(), role: config.BLACKBOARD_GATEWAY_DATABASE_ROLE, applicationName: plumbing.instance, connectionsMax: 8 });
    if (db !== null) await onceMigrated(db, plumbing.logger);
    const bodies = db === null ? await openDiskBodyStore(folder ?? '') : postgresBodyStore(db);
    const gateway = await startGateway({
      ...plumbing, bodies, models: createModels(config, plumbing.logger), host: config.GATEWAY_HOST, port: config.GATEWAY_PORT,
      sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
      ...(lookBackMs === undefined ? {} : { startAtMs: Date.now() - lookBackMs }),
    }).catch(async (error: unknown) => {
      // Open connections would keep a process that has nothing to do.
      await db?.close();
      throw error;
    });
    return { halted: gateway.halted, close: () => gateway.close().finally(() => bodies.close()).finally(() => db?.close()) };
  },
});
