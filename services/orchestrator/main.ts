// The orchestrator's process: gate and conductor of the partitions that its group gives it.

import { loadWorkflows } from '../../workflows/load-workflows.js';
import { loadPolicy } from '../../workflows/policy.js';
import { rememberMsOf } from '../../workflows/remember-variable.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { postgresSnapshotStore } from '../runtime/postgres/postgres-snapshot-store.js';
import { requireKeysOfOthers } from '../runtime/require-keys.js';
import { requirePartitions } from '../runtime/require-partitions.js';
import { runStage } from '../runtime/run-stage.js';
import { orchestratorConfigSchema } from './config.js';
import { machineEffects } from './machine-effects.js';
import { startOrchestrator } from './start-orchestrator.js';

await runStage({
  name: 'orchestrator',
  schema: orchestratorConfigSchema,
  start: async (config, plumbing) => {
    await requirePartitions({ ...plumbing, topic: plumbing.topics.quarantine }, config.BLACKBOARD_PARTITIONS);
    const { workflows, contracts } = await loadWorkflows(config.BLACKBOARD_WORKFLOWS ?? []);
    // A cache: whether it answers is no matter to the start.
    const db = config.DATABASE_URL === undefined ? null : openPgDatabase({ connectionString: config.DATABASE_URL.reveal(), role: config.BLACKBOARD_ORCHESTRATOR_DATABASE_ROLE, applicationName: plumbing.instance });
    const policy = {
      ...loadPolicy({ principalsFile: config.BLACKBOARD_PRINCIPALS }, { workflows }), rememberMs: rememberMsOf(config.BLACKBOARD_REMEMBER_MINUTES),
    };
    requireKeysOfOthers(plumbing.keyring, 'orchestrator', Object.keys(policy.principals), plumbing.logger);
    const orchestrator = await startOrchestrator({
      ...machineEffects, ...plumbing, contracts, ...(db === null ? {} : { snapshots: postgresSnapshotStore(db) }),
      policy, partitions: config.BLACKBOARD_PARTITIONS, sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS, renewAfterRecords: config.ORCHESTRATOR_RENEW_AFTER,
      learn: plumbing.learn,
    });
    return { halted: orchestrator.halted, close: () => orchestrator.close().finally(() => db?.close()) };
  },
});
