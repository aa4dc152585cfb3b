// Which database rows are written to, told apart from every other: projectors of one database share its partitions,
// projectors of two (a rebuild beside the one in use, say) must not, or each would get half of the rows.

import { createHash } from 'node:crypto';
import type { Database } from '../runtime/database.js';

/** 12 hex digits: of this server, database and schema. A copy made with the server's files is the same: its projectors need a suffix. */
export async function databaseIdentity(db: Pick<Database, 'query'>): Promise<string> {
  const [place] = await db.query<{ place: string }>("SELECT (SELECT oid FROM pg_database WHERE datname = current_database()) || ' ' || 'watermarks'::regclass::oid::bigint || ' ' || current_database() AS place");
  return createHash('sha256').update(`${await serverIdentity(db)} ${place?.place ?? ''}`).digest('hex').slice(0, 12);
}

/** Drawn by initdb. Where a hosted server does not tell it, its databases are still told apart from each other. */
async function serverIdentity(db: Pick<Database, 'query'>): Promise<string> {
  try {
    return (await db.query<{ id: string }>('SELECT system_identifier::text AS id FROM pg_control_system()'))[0]?.id ?? '';
  } catch (error) {
    const { code } = error as { code?: unknown };
    // Insufficient privilege, undefined function, not supported.
    if (code !== '42501' && code !== '42883' && code !== '0A000') throw error;
    return '';
  }
}
