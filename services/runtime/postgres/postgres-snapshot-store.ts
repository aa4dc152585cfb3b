// Snapshots in Postgres: a row that describes and is signed, and its parts, both in one transaction.

import type { TopicName } from '../../../topics/topics.js';
import type { Database } from '../database.js';
import type { SnapshotHeader, SnapshotName, SnapshotStore } from '../snapshot-store.js';

type Row = {
  topic: string; partition: number; next_offset: number; version: string; epoch: number; digest: string; cursor: number; restore_from: number;
  open_jobs: number; parts: number; bytes: number; parts_digest: string; signer: string; signature: Buffer;
};

const columns = 'topic, partition, next_offset, version, epoch, digest, cursor, restore_from, open_jobs, parts, bytes, parts_digest, signer, signature';
const named = 'topic = $1 AND partition = $2 AND next_offset = $3 AND version = $4';

export function postgresSnapshotStore(db: Pick<Database, 'query' | 'transaction'>): SnapshotStore {
  return {
    newest: async ({ topic, partition, version, after, upTo }) => {
      const [row] = await db.query<Row>(`SELECT ${columns} FROM snapshots WHERE topic = $1 AND partition = $2 AND version = $3 AND next_offset > $4 AND next_offset <= $5 ORDER BY next_offset DESC LIMIT 1`, [topic, partition, version, after, upTo]);
      return row === undefined ? null : headerOf(row);
    },
    all: async (topic, partition) => (await db.query<Row>(`SELECT ${columns} FROM snapshots WHERE topic = $1 AND partition = $2 ORDER BY next_offset, version`, [topic, partition])).map(headerOf),
    parts: async (name, from, until) => {
      const rows = await db.query<{ bytes: Buffer }>(`SELECT bytes FROM snapshot_parts WHERE ${named} AND part >= $5 AND part < $6 ORDER BY part`, [...keyOf(name), from, until]);
      return rows.map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    },
    add: (header, parts) => db.transaction((tx) => addWhole(tx, header, parts)),
    remove: async (name) => {
      await db.query(`DELETE FROM snapshots WHERE ${named}`, keyOf(name));
    },
  };
}

async function addWhole(tx: Pick<Database, 'query'>, header: SnapshotHeader, parts: readonly Buffer[]): Promise<void> {
  const { cursor, restoreFrom, openJobs, bytes, partsDigest, signer, signature, position } = header;
  const added = await tx.query(
    `INSERT INTO snapshots (topic, partition, next_offset, version, epoch, digest, cursor, restore_from, open_jobs, parts, bytes, parts_digest, signer, signature)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING RETURNING partition`,
    [...keyOf(header), position.epoch, position.digest, cursor, restoreFrom, openJobs, parts.length, bytes, partsDigest, signer, signature],
  );
  if (added.length === 0) return;
  for (const [part, content] of parts.entries()) {
    await tx.query('INSERT INTO snapshot_parts (topic, partition, next_offset, version, part, bytes) VALUES ($1, $2, $3, $4, $5, $6)', [...keyOf(header), part, content]);
  }
  await tx.query(
    `DELETE FROM snapshots WHERE topic = $1 AND partition = $2 AND next_offset < (
       SELECT max(next_offset) FROM snapshots WHERE topic = $1 AND partition = $2 AND next_offset < $3)`,
    [header.topic, header.partition, position.offset],
  );
}

function keyOf({ topic, partition, position, version }: SnapshotName): readonly (string | number)[] {
  return [topic, partition, position.offset, version];
}

function headerOf(row: Row): SnapshotHeader {
  const { signature } = row;
  return {
    topic: row.topic as TopicName, partition: row.partition, position: { offset: row.next_offset, epoch: row.epoch, digest: row.digest }, version: row.version,
    cursor: row.cursor, restoreFrom: row.restore_from, openJobs: row.open_jobs, parts: row.parts, bytes: row.bytes, partsDigest: row.parts_digest,
    signer: row.signer, signature: Buffer.from(signature.buffer, signature.byteOffset, signature.byteLength),
  };
}
