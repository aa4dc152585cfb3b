import { z } from 'zod';
import { integer, secret } from '../runtime/config.js';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';

const suffixShape = 'up to 40 letters, digits, - and _';

export const projectorConfigSchema = plumbingConfigSchema.extend({
  DATABASE_URL: secret().describe('Postgres that holds the projection').meta({ shape: 'postgres://user:password@host:port/database' }),
  BLACKBOARD_DATABASE_ROLE: z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/).default('blackboard_projector').describe('Role that the login acts under; it is granted to the login once').meta({ shape: 'a role name' }),
  BLACKBOARD_PROJECTOR_ROWS_MAX: integer(1, 50_000).default(4_000).describe('Rows of one transaction, about'),
  BLACKBOARD_PROJECTOR_GATHER_MS: integer(0, 1_000).default(20).describe('How long facts that end no job may wait to share a transaction'),
  BLACKBOARD_PROJECTOR_GROUP_SUFFIX: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, suffixShape).optional().describe("For a projector on a copy made of the database server's files: without it it would take partitions from the one on the original").meta({ shape: suffixShape }),
});
