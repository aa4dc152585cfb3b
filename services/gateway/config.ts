import { z } from 'zod';
import { durationMs, integer, secret } from '../runtime/config.js';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';
import { modelConfigSchema } from './models/model-config.js';

export const gatewayConfigSchema = plumbingConfigSchema.extend(modelConfigSchema.shape).extend({
  GATEWAY_HOST: z.string().default('127.0.0.1').describe('Address on which the gateway listens').meta({ shape: 'a host name or address' }),
  GATEWAY_PORT: integer(0, 65_535).default(8081).describe('Port on which the gateway listens; 0: any free one'),
  DATABASE_URL: secret().optional().describe('Postgres that keeps bodies; it or BLACKBOARD_BODIES_DIR').meta({ shape: 'postgres://user:password@host:port/database' }),
  BLACKBOARD_GATEWAY_DATABASE_ROLE: z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/).default('blackboard_gateway').describe("Role that the gateway's login acts under; it is granted to the login once").meta({ shape: 'a role name' }),
  BLACKBOARD_BODIES_DIR: z.string().optional().describe('Folder that keeps bodies, for one gateway on one machine; it or DATABASE_URL').meta({ shape: 'a path' }),
  GATEWAY_LOOK_BACK: durationMs().optional().describe('How far back facts are read at the start: the longest job and the remember window together; default: all'),
});
