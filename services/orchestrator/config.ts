import { z } from 'zod';
import { principalsVariable } from '../../workflows/principals-variable.js';
import { rememberVariable } from '../../workflows/remember-variable.js';
import { workflowsVariable } from '../../workflows/workflows-variable.js';
import { integer, secret } from '../runtime/config.js';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';

export const orchestratorConfigSchema = plumbingConfigSchema.extend({
  BLACKBOARD_PRINCIPALS: principalsVariable,
  DATABASE_URL: secret().optional().describe('Postgres that keeps snapshots; without it owners read more of the log when they take a partition').meta({ shape: 'postgres://user:password@host:port/database' }),
  BLACKBOARD_ORCHESTRATOR_DATABASE_ROLE: z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/).default('blackboard_orchestrator').describe('Role that the login acts under; it is granted to the login once').meta({ shape: 'a role name' }),
  BLACKBOARD_REMEMBER_MINUTES: rememberVariable,
  BLACKBOARD_WORKFLOWS: workflowsVariable,
  ORCHESTRATOR_RENEW_AFTER: integer(1, 1_000_000).default(10_000).describe('Decisions after which a partition\'s marker and checkpoint are written anew, so that the next owner has less to read').meta({ unit: 'decisions' }),
});
