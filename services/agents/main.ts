// The process of one agent, or of a pool of several.

import { jobDeadlineMsMax } from '../blackboard/workflow.js';
import { BlackboardError } from '../runtime/errors.js';
import { runStage } from '../runtime/run-stage.js';
import { briefAgents } from './brief-agents.js';
import { agentsConfigSchema } from './config.js';
import { loadAgents } from './load-agents.js';
import { noopAgent } from './noop/agent.js';
import { runAgents } from './sdk/run-agents.js';

await runStage({
  name: 'agents',
  schema: agentsConfigSchema,
  start: async (config, plumbing) => {
    const further = (await Promise.all((config.AGENT_MODULES ?? []).map(loadAgents))).flat();
    const known = [...briefAgents({ collectorRoots: config.COLLECTOR_ROOTS ?? [] }), noopAgent({ delayMs: config.NOOP_DELAY_MS }), ...further];
    const agents = config.AGENTS.map((name) => {
      const found = known.find((agent) => agent.name === name);
      if (found === undefined) throw new BlackboardError('CONFIG_INVALID', `AGENTS names "${name}", which is not known here; known are ${known.map((agent) => agent.name).join(', ')}: add its module to AGENT_MODULES`);
      return found;
    });
    const running = await runAgents({
      ...plumbing, agents, startAtMs: Date.now() - (config.AGENT_LOOK_BACK ?? jobDeadlineMsMax + 3600_000), gateway: { url: config.GATEWAY_URL }, limits: { concurrency: config.AGENT_CONCURRENCY }, sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
    });
    return { halted: running.halted, close: () => running.drain() };
  },
});
