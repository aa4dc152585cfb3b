// The snapshots' process: a reader of `bb.verified` that keeps a recent state of each partition in Postgres.

import { onceMigrated } from '../../infra/sql/once-migrated.js';
import { machineEffects } from '../orchestrator/machine-effects.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { postgresSnapshotStore } from '../runtime/postgres/postgres-snapshot-store.js';
import { runStage } from '../runtime/run-stage.js';
import { snapshotsConfigSchema } from './config.js';
import { startSnapshots } from './start-snapshots.js';

await runStage({
  name: 'snapshots',
  schema: snapshotsConfigSchema,
  start: async (config, plumbing) => {
    const db = openPgDatabase({ connectionString: config.DATABASE_URL.reveal(), role: config.BLACKBOARD_SNAPSHOTS_DATABASE_ROLE, applicationName: plumbing.instance, connectionsMax: 2 });
    await onceMigrated(db, plumbing.logger);
    const snapshots = await startSnapshots({
      ...plumbing, setTimer: machineEffects.setTimer, monotonicMs: machineEffects.monotonicMs, store: postgresSnapshotStore(db), everyRecords: config.SNAPSHOT_EVERY_RECORDS, sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
    });
    return { halted: snapshots.halted, close: () => snapshots.close().finally(() => db.close()) };
  },
});
