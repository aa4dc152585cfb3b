import { z } from 'zod';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';

export const orchestratorConfigSchema = plumbingConfigSchema.extend({
  BLACKBOARD_PRINCIPALS: z.string().optional().describe('JSON file that binds principals to roles, agents and tenants; default: the agents that ship').meta({ shape: 'a path' }),
  BLACKBOARD_WORKFLOWS: z.string().optional().describe('Folder of further workflows, one JSON file each').meta({ shape: 'a path' }),
});
