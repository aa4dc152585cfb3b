import { z } from 'zod';
import { workflowsVariable } from '../../workflows/workflows-variable.js';
import { integer } from '../runtime/config.js';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';

export const orchestratorConfigSchema = plumbingConfigSchema.extend({
  BLACKBOARD_PRINCIPALS: z.string().optional().describe('JSON file that binds principals to roles, agents and tenants; default: the agents that ship').meta({ shape: 'a path' }),
  BLACKBOARD_WORKFLOWS: workflowsVariable,
  ORCHESTRATOR_RENEW_AFTER: integer(1, 1_000_000).default(10_000).describe('Decisions after which a partition\'s marker and checkpoint are written anew, so that the next owner has less to read').meta({ unit: 'decisions' }),
});
