import { durationMs, httpUrl, integer, list } from '../runtime/config.js';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';

export const agentsConfigSchema = plumbingConfigSchema.extend({
  AGENTS: list().describe('Agents that this process hosts; several share one consumer group, and every replica must host the same ones'),
  AGENT_MODULES: list().optional().describe('Modules that export further agents (`export const agent`, or `agents` as a workflow file does), by path'),
  GATEWAY_URL: httpUrl().describe('The gateway: bodies and models'),
  AGENT_CONCURRENCY: integer(1, 100_000).default(64).describe('Steps that run at once in this process'),
  COLLECTOR_ROOTS: list().optional().describe('Folders that the collector may read below; none unless given'),
  AGENT_LOOK_BACK: durationMs().optional().describe('Where a new consumer group begins: so far before now; default: the longest that a job may live'),
  NOOP_DELAY_MS: integer(0, 600_000).default(0).describe('How long the noop agent takes for a step').meta({ unit: 'ms' }),
});
