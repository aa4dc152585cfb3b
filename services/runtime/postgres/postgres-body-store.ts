import type { Database } from '../database.js';
import type { BodyStore } from '../body-store.js';
import { checkHashes, isBodyHash } from '../bodies/check-hashes.js';

// Bodies expire by when they were put last, so putting again moves that time, and a sweep cannot come in between.
const putSql = `INSERT INTO bodies (hash, bytes) SELECT hash, bytes FROM unnest($1::text[], $2::bytea[]) AS put (hash, bytes) ORDER BY hash
ON CONFLICT (hash) DO UPDATE SET put_at = excluded.put_at`;

/** Bodies in the table `bodies`. Closing it leaves the database open: the database belongs to the caller. */
export function postgresBodyStore(db: Database): BodyStore {
  return {
    put: async (bodies) => {
      checkHashes(bodies);
      const unique = [...new Map(bodies.map((body) => [body.hash, body])).values()];
      if (unique.length === 0) return;
      await db.query(putSql, [`{${unique.map((body) => body.hash).join(',')}}`, `{${unique.map((body) => `"\\\\x${hex(body.bytes)}"`).join(',')}}`]);
    },
    get: async (hash) => {
      if (!isBodyHash(hash)) return null;
      const [row] = await db.query<{ bytes: Buffer }>('SELECT bytes FROM bodies WHERE hash = $1', [hash]);
      return row?.bytes ?? null;
    },
    close: async () => undefined,
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
