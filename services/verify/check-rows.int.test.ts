import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { migrate } from '../../infra/sql/migrate.js';
import { rebuild } from '../projector/rebuild.js';
import type { LogPort } from '../runtime/log/port.js';
import { openPgliteDatabase } from '../runtime/postgres/pglite-database.js';
import type { Database } from '../runtime/database.js';
import { codec, keyring, topics } from '../testing/simulation/blackboard-of-seed.js';
import { playSeed } from '../testing/simulation/run-seed.js';
import { verifyLog } from './verify-log.js';

let log: LogPort;
let db: Database;
let where = { partition: 0, offset: 0 };

async function verdict(): Promise<readonly string[]> {
  const { rows } = await verifyLog({ log, topics, codec, keyring, db, isAtRest: true });
  return rows.filter(({ result }) => result === 'FAIL').map(({ invariant }) => invariant);
}

/** Runs `tamper` against the tables, verifies, and puts the tables back. */
async function tampered(...statements: readonly string[]): Promise<readonly string[]> {
  const saved = await db.query('SELECT * FROM audit_rows WHERE partition = $1 AND "offset" = $2', [where.partition, where.offset]);
  assert.equal(saved.length, 1);
  await db.script(['CREATE TABLE kept AS SELECT * FROM audit_rows', 'CREATE TABLE kept_watermarks AS SELECT * FROM watermarks', 'ALTER TABLE audit_rows DISABLE TRIGGER ALL', ...statements].join(';\n'));
  try {
    return await verdict();
  } finally {
    const columns = (await db.query<{ name: string }>("SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'audit_rows' AND is_generated = 'NEVER' ORDER BY ordinal_position")).map(({ name }) => `"${name}"`).join(', ');
    await db.script(`DELETE FROM audit_rows; INSERT INTO audit_rows (${columns}) SELECT ${columns} FROM kept; DELETE FROM watermarks; INSERT INTO watermarks SELECT * FROM kept_watermarks; DROP TABLE kept; DROP TABLE kept_watermarks`);
  }
}

describe('the audit table beside a log', () => {
  before(async () => {
    const { world } = await playSeed(1);
    log = world.store.open();
    db = await openPgliteDatabase();
    await migrate(db);
    await rebuild({ log, codec, db, topic: topics.verified });
    const [row] = await db.query<{ partition: number; offset: number }>('SELECT partition, "offset" FROM audit_rows WHERE NOT stale AND "offset" > 5 ORDER BY partition, "offset" LIMIT 1');
    where = { partition: Number(row?.partition), offset: Number(row?.offset) };
  });
  after(() => db.close());

  it('passes when it is the image of the log', async () => {
    assert.deepEqual(await verdict(), []);
  });

  it('reports a row that is gone, changed, marked stale, or beyond the watermark (I12), and nothing else', async () => {
    const at = `topic = '${topics.verified}' AND partition = ${where.partition} AND "offset" = ${where.offset}`;
    assert.deepEqual(await tampered(`DELETE FROM audit_rows WHERE ${at}`), ['I12']);
    assert.deepEqual(await tampered(`UPDATE audit_rows SET event_type = 'JobEnded', digest = '\\x00' WHERE ${at}`), ['I12']);
    assert.deepEqual(await tampered(`UPDATE audit_rows SET stale = true WHERE ${at}`), ['I12']);
    assert.deepEqual(await tampered(`UPDATE watermarks SET next_offset = next_offset - 1 WHERE partition = ${where.partition}`), ['I12']);
    assert.deepEqual(await tampered(`UPDATE watermarks SET next_offset = next_offset + 1 WHERE partition = ${where.partition}`), ['I12']);
    assert.deepEqual(await verdict(), []);
  });
});
