import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { migrate } from '../../infra/sql/migrate.js';
import { rebuild } from '../projector/rebuild.js';
import type { LogPort } from '../runtime/log/port.js';
import { openPgliteDatabase } from '../runtime/postgres/pglite-database.js';
import type { Database } from '../runtime/database.js';
import { codec, keyring, topics } from '../testing/simulation/blackboard-of-seed.js';
import { playSeed } from '../testing/simulation/run-seed.js';
import type { Finding } from './findings.js';
import { verifyLog } from './verify-log.js';

let log: LogPort;
let db: Database;
let where = { partition: 0, offset: 0, last: 0 };

async function findings(): Promise<readonly Finding[]> {
  const { rows } = await verifyLog({ log, topics, codec, keyring, db, isAtRest: true });
  return rows.filter(({ result }) => result === 'FAIL').flatMap((row) => row.findings);
}

/** Runs `statements` as the owner of the tables, who switches the trigger off for it; verifies; puts the tables back. */
async function tampered(...statements: readonly string[]): Promise<readonly Finding[]> {
  await db.script(['CREATE TABLE kept AS SELECT * FROM audit_rows', 'CREATE TABLE kept_watermarks AS SELECT * FROM watermarks', 'ALTER TABLE audit_rows DISABLE TRIGGER USER', ...statements, 'ALTER TABLE audit_rows ENABLE TRIGGER USER'].join(';\n'));
  try {
    return await findings();
  } finally {
    const columns = (await db.query<{ name: string }>("SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'audit_rows' AND is_generated = 'NEVER' ORDER BY ordinal_position")).map(({ name }) => `"${name}"`).join(', ');
    await db.script(`ALTER TABLE audit_rows DISABLE TRIGGER USER; DELETE FROM audit_rows; INSERT INTO audit_rows (${columns}) SELECT ${columns} FROM kept; ALTER TABLE audit_rows ENABLE TRIGGER USER; DELETE FROM watermarks; INSERT INTO watermarks SELECT * FROM kept_watermarks; DROP TABLE kept; DROP TABLE kept_watermarks`);
  }
}

/** What is found of I12 alone, the first finding shortened to the record it names. */
function firstRow(found: readonly Finding[]): string {
  assert.ok(found.length > 0, 'something is found');
  assert.deepEqual([...new Set(found.map(({ invariant }) => invariant))], ['I12']);
  return found[0]?.records[0]?.split(' ')[0] ?? found[0]?.what ?? '';
}

describe('the audit table beside a log', () => {
  before(async () => {
    const { world } = await playSeed(1);
    log = world.store.open();
    db = await openPgliteDatabase();
    await migrate(db);
    await rebuild({ log, codec, db, topic: topics.verified });
    const [row] = await db.query<{ partition: number; offset: number }>(`SELECT partition, "offset" FROM audit_rows WHERE NOT stale AND "offset" > 5 AND event_type = 'StepCompleted' ORDER BY partition, "offset" LIMIT 1`);
    const [end] = await db.query<{ last: number }>('SELECT max("offset") AS last FROM audit_rows WHERE partition = $1', [row?.partition]);
    where = { partition: Number(row?.partition), offset: Number(row?.offset), last: Number(end?.last) };
  });
  after(() => db.close());
  const at = (): string => `topic = '${topics.verified}' AND partition = ${where.partition} AND "offset" = ${where.offset}`;
  const named = (offset: number): string => `${topics.verified}/${where.partition}/${offset}`;

  it('passes when it is the image of the log', async () => {
    assert.deepEqual(await findings(), []);
  });

  it('names the row that was updated, whichever column it is (I12, C20)', async () => {
    for (const change of ["event_type = 'JobEnded', digest = '\\x00'", 'stale = true', "reason = 'all was well'", 'cost_micros = 7', "ts = ts - interval '1 hour'", "step = 'another'", "node = 'somebody-else'", 'authentic = NOT authentic', "signer = 'nobody#k1'", `detail = '{"accepted": 99}'`]) {
      const found = await tampered(`UPDATE audit_rows SET ${change} WHERE ${at()}`);
      assert.equal(firstRow(found), named(where.offset), change);
      assert.equal(found.length, 1, change);
    }
  });

  it('names the first row of a tail that was deleted, also where the watermark was moved to hide it (I12, C20)', async () => {
    const from = where.last - 2;
    assert.equal(firstRow(await tampered(`DELETE FROM audit_rows WHERE partition = ${where.partition} AND "offset" >= ${from}`)), named(from));
    assert.match(firstRow(await tampered(`DELETE FROM audit_rows WHERE partition = ${where.partition} AND "offset" >= ${from}`, `UPDATE watermarks SET next_offset = ${from} WHERE partition = ${where.partition}`)), new RegExp(`watermark of partition ${where.partition} is ${from}: 3 records`));
    assert.equal(firstRow(await tampered(`DELETE FROM audit_rows WHERE ${at()}`)), named(where.offset));
  });

  it('names the first of two rows that were exchanged (I12, C20)', async () => {
    const found = await tampered(
      `UPDATE audit_rows SET "offset" = -1 WHERE ${at()}`,
      `UPDATE audit_rows SET "offset" = ${where.offset} WHERE partition = ${where.partition} AND "offset" = ${where.last}`,
      `UPDATE audit_rows SET "offset" = ${where.last} WHERE partition = ${where.partition} AND "offset" = -1`,
    );
    assert.equal(firstRow(found), named(where.offset));
    assert.equal(found.length, 2);
  });

  it('names where a row was inserted that no record stands for (I12, C20)', async () => {
    const copy = (changes: string): string => `INSERT INTO audit_rows (topic, partition, "offset", ts, stale, event_type, node, epoch, cause, authentic, digest, detail) SELECT ${changes}, ts, stale, event_type, node, epoch, cause, authentic, digest, detail FROM audit_rows WHERE ${at()}`;
    assert.match(firstRow(await tampered(copy(`topic, partition, ${where.last + 5}`))), new RegExp(`1 rows stand beyond .* at offset ${where.last + 5}`));
    assert.match(firstRow(await tampered(copy('topic, partition, -9'))), /at offset -9/);
    assert.match(firstRow(await tampered(copy('topic, 99, 0'))), /partition 99, which the projector never read/);
  });

  it('finds a watermark that lags behind or runs ahead of its rows (I12)', async () => {
    const moved = (by: string): Promise<readonly Finding[]> => tampered(`UPDATE watermarks SET next_offset = next_offset ${by} WHERE partition = ${where.partition}`);
    assert.match(firstRow(await moved('- 1')), /1 records of/);
    assert.match(firstRow(await moved('+ 1')), /beyond the end of the log/);
  });

  it('finds grants and triggers that would let somebody change audit rows (I13), and nothing else', async () => {
    const invariant = (found: readonly Finding[]): string => { assert.deepEqual([...new Set(found.map((one) => one.invariant))], ['I13']); return found[0]?.what ?? ''; };
    for (const [change, undo, says] of [
      ['GRANT UPDATE ON audit_rows TO blackboard_projector', 'REVOKE UPDATE ON audit_rows FROM blackboard_projector', /blackboard_projector holds UPDATE/],
      ['GRANT DELETE ON audit_rows TO PUBLIC', 'REVOKE DELETE ON audit_rows FROM PUBLIC', /public holds DELETE/],
      ['GRANT UPDATE (reason) ON audit_rows TO blackboard_reader', 'REVOKE UPDATE (reason) ON audit_rows FROM blackboard_reader', /blackboard_reader holds UPDATE/],
      ['ALTER ROLE blackboard_projector SUPERUSER', 'ALTER ROLE blackboard_projector NOSUPERUSER', /may act as the owner/],
      ['ALTER TABLE audit_rows DISABLE TRIGGER audit_rows_append_only', 'ALTER TABLE audit_rows ENABLE TRIGGER audit_rows_append_only', /nothing in the database refuses UPDATE/],
    ] as const) {
      await db.script(change);
      assert.match(invariant(await findings()), says);
      await db.script(undo);
    }
    assert.deepEqual(await findings(), []);
  });
});
