import { z } from 'zod';
import { rememberVariable } from '../../workflows/remember-variable.js';
import { workflowsVariable } from '../../workflows/workflows-variable.js';
import { httpUrl, integer, secret } from '../runtime/config.js';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';

export const ingressConfigSchema = plumbingConfigSchema.extend({
  INGRESS_HOST: z.string().default('127.0.0.1').describe('Address on which the API listens; loopback only without API keys').meta({ shape: 'a host name or address' }),
  INGRESS_PORT: integer(0, 65_535).default(8080).describe('Port on which the API listens; 0: any free one'),
  BLACKBOARD_API_KEYS: secret().optional().describe('API keys as JSON: SHA-256 of each key, and the principal and tenant that it binds to').meta({ shape: '[{"hash","principal","tenant"}, …]' }),
  BLACKBOARD_REMEMBER_MINUTES: rememberVariable,
  BLACKBOARD_WORKFLOWS: workflowsVariable,
  GATEWAY_URL: httpUrl().describe('The gateway, for results that go by reference'),
  DATABASE_URL: secret().describe('Postgres that holds the projection').meta({ shape: 'postgres://user:password@host:port/database' }),
  BLACKBOARD_READER_DATABASE_ROLE: z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/).default('blackboard_reader').describe('Role that the login acts under; it is granted to the login once').meta({ shape: 'a role name' }),
});
