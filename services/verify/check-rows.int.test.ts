import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { migrate } from '../../infra/sql/migrate.js';
import { composeSchemas } from '../../schemas/compose.js';
import { messageClassOf, type Fact } from '../../schemas/generated/events.js';
import { readFixtures } from '../../schemas/read-fixtures.js';
import { topicNames } from '../../topics/topics.js';
import { describeFact } from '../projector/describe-fact.js';
import { rebuild } from '../projector/rebuild.js';
import { sampleFact } from '../projector/testing/sample-facts.js';
import { EventCodec } from '../runtime/codec/event-codec.js';
import { MemoryLogStore } from '../runtime/log/memory/memory-log.js';
import type { LogPort } from '../runtime/log/port.js';
import { openPgliteDatabase } from '../runtime/postgres/pglite-database.js';
import type { Database } from '../runtime/database.js';
import { projectRoot } from '../runtime/project-root.js';
import { codec, keyring, topics } from '../testing/simulation/blackboard-of-seed.js';
import { playSeed } from '../testing/simulation/run-seed.js';
import { RowReader } from './check-rows.js';
import { Findings, type Finding } from './findings.js';
import { isDetailOf } from './row-columns.js';
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

/** Rows of facts with texts that are rare in a run, and what is found of them after `change`. */
async function rowsOf(facts: readonly (Fact | Buffer)[]): Promise<{ readonly db: Database; found(change?: string): Promise<readonly number[]> }> {
  const { verified: topic } = topicNames('texts.');
  const store = new MemoryLogStore({ topics: [{ name: topic, partitions: 1 }] });
  const own = await openPgliteDatabase();
  await migrate(own);
  const marker = sampleFact('EpochStarted', { epoch: -1, job: '', step: '', agent: '', attempt: 0, instance: -1, cause: -1 });
  store.write({ topic, partition: 0, records: [marker, ...facts].map((fact) => (Buffer.isBuffer(fact) ? { key: Buffer.alloc(0), value: fact } : { key: Buffer.from(fact.job), value: codec.encode(fact) })) });
  await rebuild({ log: store.open(), codec, db: own, topic });
  await own.script('CREATE TABLE kept AS SELECT "offset", detail, correlation FROM audit_rows; ALTER TABLE audit_rows DISABLE TRIGGER USER');
  const found = async (change = ''): Promise<readonly number[]> => {
    await own.script(`UPDATE audit_rows a SET detail = k.detail, correlation = k.correlation FROM kept k WHERE k."offset" = a."offset"; ${change === '' ? '' : `UPDATE audit_rows SET ${change}`}`);
    const findings = new Findings();
    const rows = new RowReader({ db: own, codec, topic, findings, isAtRest: true }, 0, facts.length + 1);
    await rows.load(0);
    for (const record of store.slice({ topic, partition: 0, from: 0, until: facts.length + 1, bytesMax: Infinity })) rows.compare(record, codec.decodeFact(record.value) as Fact, false);
    return findings.kept.map(({ records }) => Number(records[0]?.split(' ')[0]?.split('/')[2]));
  };
  return { db: own, found };
}

/** A fact of this release as the first one wrote it. */
function asFirstReleased(fact: Fact): Buffer {
  const schema = readFixtures(join(projectRoot, 'schemas'))[0]?.fixtures.find(({ event }) => event === fact.type);
  const own = new EventCodec();
  own.define(fact.type, schema?.avro, Buffer.from(schema?.fingerprint ?? '', 'hex').readInt32BE(0) & 0x7fffffff);
  return own.encode(fact);
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
    for (const change of ["event_type = 'JobEnded', digest = '\\x00'", 'stale = true', "reason = 'all was well'", 'cost_micros = 7', "ts = ts - interval '1 hour'", "step = 'another'", "node = 'somebody-else'", 'authentic = NOT authentic', "signer = 'nobody#k1'", `detail = '{"accepted": 99}'`, "detail = '{}'", "detail = '[]'", "detail = detail - 'accepted'"]) {
      const found = await tampered(`UPDATE audit_rows SET ${change} WHERE ${at()}`);
      assert.equal(firstRow(found), named(where.offset), change);
      assert.equal(found.length, 1, change);
    }
  });

  it('compares a row whose texts hold a separator, and texts that are not ASCII (I12, C20)', async () => {
    assert.equal(firstRow(await tampered(`UPDATE audit_rows SET tenant = tenant || E'\\x1f', cost_micros = 7 WHERE ${at()}`)), named(where.offset));
    const [arrow] = await db.query<{ offset: number }>(`SELECT min("offset") AS "offset" FROM audit_rows WHERE NOT stale AND partition = ${where.partition} AND edge_label LIKE '%→%'`);
    const changed = `UPDATE audit_rows SET edge_label = 'all was well' WHERE partition = ${where.partition} AND "offset" = ${arrow?.offset}`;
    assert.equal(firstRow(await tampered(changed)), named(Number(arrow?.offset)));
  });

  it('compares texts with line ends, and long ones as far as they were kept (I12, C20)', async () => {
    const accepted = sampleFact('JobAccepted', { correlation: 'one\ntwo', goal: 'one line\nand another' });
    const params = [1_000, 5_000].map((length) => 'a'.repeat(length)).concat('\u{1F600}'.repeat(3_000));
    const rows = await rowsOf([accepted, ...params.map((text) => sampleFact('StepRequested', { params: text }))]);
    try {
      const paramsAt = (offset: number, sql: string): string => `detail = jsonb_set(detail, '{params}', to_jsonb(${sql})) WHERE "offset" = ${offset}`;
      assert.deepEqual(await rows.found(), [], 'as they were projected');
      assert.deepEqual(await rows.found(`correlation = 'all was well' WHERE "offset" = 1`), [1]);
      assert.deepEqual(await rows.found(`detail = jsonb_set(detail, '{goal}', '"all was well"') WHERE "offset" = 1`), [1]);
      for (const offset of [2, 3, 4]) assert.deepEqual(await rows.found(paramsAt(offset, `overlay(detail->>'params' placing 'X' from 500)`)), [offset]);
      for (const cut of [`left(detail->>'params', 900)`, `left(detail->>'params', 100) || '…'`]) assert.deepEqual(await rows.found(paramsAt(2, cut)), [2], cut);
    } finally {
      await rows.db.close();
    }
  });

  it('passes a row of a release whose schema lacked a member, and misses it in no other (I12, C20)', async () => {
    const rows = await rowsOf([asFirstReleased(sampleFact('Checkpointed')), sampleFact('Checkpointed')]);
    const without = (offset: number, name = 'writtenAtMs'): string => `detail = detail - '${name}' WHERE "offset" = ${offset}`;
    try {
      assert.deepEqual(await rows.found(), [], 'as this release writes it');
      assert.deepEqual(await rows.found(without(1)), [], 'as the one before did');
      assert.deepEqual(await rows.found(without(2)), [2], 'the record says more');
      assert.deepEqual(await rows.found(without(1, 'timeMs')), [1], 'a member of the first release');
      assert.deepEqual(await rows.found(`detail = jsonb_set(detail, '{writtenAtMs}', '7') WHERE "offset" = 1`), [1], 'what the record does not say');
    } finally {
      await rows.db.close();
    }
  });

  it('passes without any member that a schema got later, with its default: no release before can have told it (I12)', () => {
    for (const { name: type, avro } of composeSchemas(join(projectRoot, 'schemas'))) {
      if (messageClassOf[type as Fact['type']] !== 'fact') continue;
      for (const { name, default: value } of (avro as { fields: readonly { name: string; default?: unknown }[] }).fields) {
        if (value === undefined) continue;
        const fact = { ...sampleFact(type as Fact['type']), [name]: value } as Fact;
        const { [name]: _later, ...before } = describeFact(fact);
        assert.ok(isDetailOf(before, fact), `${type}.${name}: row-columns.ts and table-hash.ts must leave it out of older rows`);
      }
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
      ...['BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_rows FOR EACH STATEMENT WHEN (false)', 'BEFORE UPDATE OF topic OR DELETE OR TRUNCATE ON audit_rows FOR EACH STATEMENT'].map((when) => [
        `CREATE OR REPLACE TRIGGER audit_rows_append_only ${when} EXECUTE FUNCTION refuse_audit_change()`,
        'CREATE OR REPLACE TRIGGER audit_rows_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()', /nothing in the database refuses UPDATE/,
      ] as const),
      ['ALTER TABLE audit_rows DISABLE TRIGGER audit_rows_append_only', 'ALTER TABLE audit_rows ENABLE TRIGGER audit_rows_append_only', /nothing in the database refuses UPDATE/],
    ] as const) {
      await db.script(change);
      assert.match(invariant(await findings()), says);
      await db.script(undo);
    }
    assert.deepEqual(await findings(), []);
  });
});
