import { z } from 'zod';
import { integer, secret } from '../runtime/config.js';
import { plumbingConfigSchema } from '../runtime/plumbing-config.js';

export const snapshotsConfigSchema = plumbingConfigSchema.extend({
  DATABASE_URL: secret().describe('Postgres that keeps snapshots').meta({ shape: 'postgres://user:password@host:port/database' }),
  BLACKBOARD_SNAPSHOTS_DATABASE_ROLE: z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/).default('blackboard_snapshots').describe('Role that the login acts under; it is granted to the login once').meta({ shape: 'a role name' }),
  SNAPSHOT_EVERY_RECORDS: integer(100, 10_000_000).default(20_000).describe('Records of a partition after which it gets a new snapshot: about what an owner reads after it').meta({ unit: 'records' }),
});
