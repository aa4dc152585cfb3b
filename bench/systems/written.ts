// What the runtime has written so far, where it stays: records and bytes on the log, rows and write-ahead log of Postgres.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TopicNames } from '../../topics/topics.js';
import type { Database } from '../../services/runtime/database.js';
import type { LogPort, PartitionRange } from '../../services/runtime/log/port.js';
import type { Figures } from '../w3/measure.js';

interface WrittenParts {
  readonly log: LogPort;
  readonly db: Database;
  readonly topics: TopicNames;
}

/** @param kafkaDataDir of a broker on this machine; without it the bytes on the log are left out. */
export async function written({ log, db, topics }: WrittenParts, kafkaDataDir: string | undefined): Promise<Figures> {
  const [facts, claims, rows] = await Promise.all([
    log.ranges(topics.verified), log.ranges(topics.quarantine),
    db.query<{ wal: number; size: number }>("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS wal, pg_database_size(current_database())::float8 AS size"),
  ]);
  return {
    facts: recordsIn(facts), claims: recordsIn(claims), walBytes: rows[0]?.wal ?? 0, databaseBytes: rows[0]?.size ?? 0,
    ...(kafkaDataDir === undefined ? {} : { factBytes: segmentBytes(kafkaDataDir, topics.verified), claimBytes: segmentBytes(kafkaDataDir, topics.quarantine) }),
  };
}

function recordsIn(ranges: readonly PartitionRange[]): number {
  return ranges.reduce((sum, { low, next }) => sum + next - low, 0);
}

function segmentBytes(dataDir: string, topic: string): number {
  const folders = readdirSync(dataDir).filter((name) => name.startsWith(`${topic}-`));
  return folders.flatMap((folder) => readdirSync(join(dataDir, folder)).filter((name) => name.endsWith('.log')).map((name) => statSync(join(dataDir, folder, name)).size)).reduce((sum, size) => sum + size, 0);
}
