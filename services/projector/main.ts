// The projector's process: Postgres as the image of `bb.verified`.

import { onceMigrated } from '../../infra/sql/once-migrated.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { runStage } from '../runtime/run-stage.js';
import { projectorConfigSchema } from './config.js';
import { startProjector } from './start-projector.js';

await runStage({
  name: 'projector',
  schema: projectorConfigSchema,
  start: async (config, plumbing) => {
    const db = openPgDatabase({ connectionString: config.DATABASE_URL.reveal(), role: config.BLACKBOARD_DATABASE_ROLE, applicationName: plumbing.instance, connectionsMax: 2, plansOnce: true });
    await onceMigrated(db, plumbing.logger);
    const projector = await startProjector({
      ...plumbing, db, topic: plumbing.topics.verified, rowsMax: config.BLACKBOARD_PROJECTOR_ROWS_MAX, gatherMs: config.BLACKBOARD_PROJECTOR_GATHER_MS, sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
      ...(config.BLACKBOARD_PROJECTOR_GROUP_SUFFIX === undefined ? {} : { groupSuffix: config.BLACKBOARD_PROJECTOR_GROUP_SUFFIX }),
    });
    return { halted: projector.halted, close: () => projector.close().finally(() => db.close()) };
  },
});
