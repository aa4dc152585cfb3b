// The ingress's process: submissions in, committed rows and results out.

import { onceMigrated } from '../../infra/sql/once-migrated.js';
import { loadWorkflows } from '../../workflows/load-workflows.js';
import { rememberMsOf } from '../../workflows/remember-variable.js';
import { refuseInsecureInProduction } from '../runtime/config.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { requireOwnKey } from '../runtime/require-keys.js';
import { requirePartitions } from '../runtime/require-partitions.js';
import { runStage } from '../runtime/run-stage.js';
import { parseApiKeys } from './callers.js';
import { committedChannel } from './commit-bell.js';
import { ingressConfigSchema } from './config.js';
import { startIngress } from './start-ingress.js';

await runStage({
  name: 'ingress',
  schema: ingressConfigSchema,
  start: async (config, plumbing) => {
    const apiKeys = config.BLACKBOARD_API_KEYS === undefined ? [] : parseApiKeys(config.BLACKBOARD_API_KEYS.reveal());
    refuseInsecureInProduction({ profile: config.BLACKBOARD_PROFILE, listeners: [{ name: 'BLACKBOARD_API_KEYS', authenticated: apiKeys.length > 0 }] });
    requireOwnKey(plumbing.keyring, 'ingress');
    await requirePartitions({ ...plumbing, topic: plumbing.topics.quarantine }, config.BLACKBOARD_PARTITIONS);
    const { renderers } = await loadWorkflows(config.BLACKBOARD_WORKFLOWS ?? []);
    const db = openPgDatabase({ connectionString: config.DATABASE_URL.reveal(), role: config.BLACKBOARD_READER_DATABASE_ROLE, applicationName: plumbing.instance, connectionsMax: 8 });
    await onceMigrated(db, plumbing.logger);
    const listeners = new Set<() => void>();
    await db.listen(committedChannel, () => { for (const listener of listeners) listener(); });
    const ingress = await startIngress({
      ...plumbing, db, gatewayUrl: config.GATEWAY_URL.replace(/\/+$/, ''), apiKeys, host: config.INGRESS_HOST, port: config.INGRESS_PORT, partitions: config.BLACKBOARD_PARTITIONS, renderers,
      rememberMs: rememberMsOf(config.BLACKBOARD_REMEMBER_MINUTES),
      onCommitted: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    }).catch(async (error: unknown) => {
      // Open connections would keep a process that has nothing to do.
      await db.close();
      throw error;
    });
    return { close: () => ingress.close().finally(() => db.close()) };
  },
});
