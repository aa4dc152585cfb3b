// The orchestrator's process: gate and conductor of the partitions that its group gives it.

import { contracts } from '../../workflows/contracts.js';
import { loadPolicy } from '../../workflows/policy.js';
import { runStage } from '../runtime/run-stage.js';
import { orchestratorConfigSchema } from './config.js';
import { machineEffects } from './machine-effects.js';
import { startOrchestrator } from './start-orchestrator.js';

await runStage({
  name: 'orchestrator',
  schema: orchestratorConfigSchema,
  start: async (config, plumbing) => startOrchestrator({
    ...machineEffects, ...plumbing, contracts,
    policy: loadPolicy({ principalsFile: config.BLACKBOARD_PRINCIPALS, workflowsDir: config.BLACKBOARD_WORKFLOWS }),
    partitions: config.BLACKBOARD_PARTITIONS, sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS, renewAfterRecords: config.ORCHESTRATOR_RENEW_AFTER,
    learnSchemas: async (ids) => { await Promise.all(ids.map((id) => plumbing.learn(id))); },
  }),
});
