// One suite for both databases: PGlite in this process, and a real server.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { whatIsMissing } from '../../../infra/local/for-tests.js';
import { startPostgres, type LocalPostgres } from '../../../infra/local/postgres.js';
import { contentHash } from '../../blackboard/ids.js';
import { migrate } from '../../../infra/sql/migrate.js';
import type { Statement } from '../database.js';
import type { ListeningDatabase } from './listening-database.js';
import { openPgDatabase } from './pg-database.js';
import { openPgliteDatabase } from './pglite-database.js';
import { postgresBodyStore } from './postgres-body-store.js';
import { isTransientDatabaseError } from './transient-error.js';

const missing = await whatIsMissing({ postgres: true });
const server: LocalPostgres | null = missing === undefined ? await startPostgres() : null;
after(() => server?.stop('fast'));

describe('PGlite', () => databaseContract(() => openPgliteDatabase()));
describe('PGlite in a thread', () => databaseContract(() => openPgliteDatabase(undefined, { inThread: true })));
describe('Postgres', { skip: missing ?? false }, () => {
  databaseContract(async () => openPgDatabase({ connectionString: await (server as LocalPostgres).createDatabase('contract') }));
});

function databaseContract(open: () => Promise<ListeningDatabase>): void {
  let db: ListeningDatabase;
  before(async () => {
    db = await open();
    await db.script('CREATE TABLE things (id bigint PRIMARY KEY, name text); CREATE TABLE others (id int);');
    await migrate(db);
  });
  after(() => db.close());

  it('answers whole numbers as numbers, bytes as Buffer, times as Date, json as objects, absent values as null', async () => {
    const [row] = await db.query(`SELECT 9007199254740991::bigint AS big, 7::int AS small, 0.25::float8 AS part, '\\x00ff'::bytea AS bytes, to_timestamp(1.5) AS time, '{"a":[1]}'::jsonb AS json, NULL::text AS nothing, true AS yes`);
    assert.deepEqual(row, { big: Number.MAX_SAFE_INTEGER, small: 7, part: 0.25, bytes: Buffer.from([0, 255]), time: new Date(1_500), json: { a: [1] }, nothing: null, yes: true });
    assert.ok(Buffer.isBuffer(row?.['bytes']));
  });

  it('refuses to round a number that JavaScript cannot hold', async () => {
    await assert.rejects(async () => db.query('SELECT 9007199254740993::bigint AS big'), /does not fit/);
  });

  it('takes values, and arrays as literals', async () => {
    const rows = await db.query('SELECT * FROM unnest($1::text[], $2::bigint[]) AS t (a, b) WHERE b > $3', ['{"x \\"y\\"",NULL}', '{1,2}', 0]);
    assert.deepEqual(rows, [{ a: 'x "y"', b: 1 }, { a: null, b: 2 }]);
  });

  it('runs several statements without values and answers the last', async () => {
    assert.deepEqual(await db.query('SELECT 1 AS one; SELECT 2 AS two'), [{ two: 2 }]);
  });

  it('keeps a whole transaction or nothing of it', async () => {
    await assert.rejects(db.transaction(async (tx) => {
      await tx.query('INSERT INTO things VALUES (1, $1)', ['a']);
      throw new Error('changed my mind');
    }), /changed my mind/);
    await assert.rejects(db.transaction(async (tx) => {
      await tx.query('INSERT INTO things VALUES (1, $1)', ['a']);
      await tx.query('INSERT INTO things VALUES (1, $1)', ['b']);
    }), { code: '23505' });
    assert.equal(await db.transaction(async (tx) => (await tx.query('INSERT INTO things VALUES (2, $1) RETURNING id', ['c'])).length), 1);
    assert.deepEqual(await db.query('SELECT id FROM things'), [{ id: 2 }]);
  });

  it('keeps out of an open transaction what others ask meanwhile: it is there when the transaction is not', async () => {
    const others: Promise<unknown>[] = [];
    await assert.rejects(db.transaction(async (tx) => {
      await tx.query('INSERT INTO others VALUES (1)');
      others.push(db.query('INSERT INTO others VALUES (2)', []), db.runAll([{ sql: 'INSERT INTO others VALUES (3)' }]), db.script('INSERT INTO others VALUES (4)'));
      others.push(db.transaction((other) => other.query('INSERT INTO others VALUES (5)')));
      await sleep(20);
      await tx.query('INSERT INTO others VALUES (6)');
      throw new Error('changed my mind');
    }), /changed my mind/);
    await Promise.all(others);
    assert.deepEqual((await db.query('SELECT id FROM others ORDER BY id')).map((row) => row['id']), [2, 3, 4, 5]);
  });

  it('runs statements as one, copied rows among them, or keeps nothing of them wherever one fails', async () => {
    const copied = (rows: string): Statement => ({ sql: 'COPY things (id, name) FROM STDIN (FORMAT text)', copy: Buffer.from(rows) });
    const added = (id: number): Statement => ({ sql: 'INSERT INTO things VALUES ($1, $2)', values: [id, 'x'] });
    const ids = async (): Promise<unknown> => (await db.query('SELECT id FROM things WHERE id >= 100 ORDER BY id')).map((row) => row['id']);
    // More than sockets hold on the way.
    await db.runAll([added(100), copied(`101\t${'y'.repeat(8_000_000)}\n102\ta\n`), added(103)]);
    // Rows that nobody asked for.
    await db.runAll([added(104), { sql: 'SELECT id, name FROM things WHERE id > $1', values: [99] }]);
    assert.deepEqual(await ids(), [100, 101, 102, 103, 104]);
    for (const failing of [[added(100), copied('200\ta\n'), added(201)], [added(200), copied('201\ta\n101\tb\n'), added(202)], [added(200), copied('201\ta\n'), added(104)]]) {
      await assert.rejects(db.runAll(failing), { code: '23505' });
    }
    await assert.rejects(db.runAll([copied('no number\ta\n'), added(200)]), { code: '22P02' });
    assert.deepEqual(await ids(), [100, 101, 102, 103, 104]);
    await db.runAll([added(105), copied('106\ta\n')]);
    assert.deepEqual(await ids(), [100, 101, 102, 103, 104, 105, 106]);
  });

  it('keeps no plan from when a table was empty: what was asked for often then is found by its index later', async () => {
    // Wide rows: an empty table of them is taken for one of few, which to read whole would be cheapest.
    const more = Array.from({ length: 40 }, (_, index) => `c${index} text`).join(', ');
    await db.script(`CREATE TABLE growing (key text PRIMARY KEY, filler text, ${more}) WITH (autovacuum_enabled = false)`);
    const sql = 'SELECT filler FROM growing WHERE key = ANY($1::text[])';
    for (let times = 0; times < 12; times += 1) await db.query(sql, [['a', 'b']]);
    await db.query("INSERT INTO growing SELECT 'key-' || n, repeat('x', 100) FROM generate_series(1, 20000) n", []);
    const [before, later] = await db.transaction(async (tx) => {
      const scans = async (): Promise<number | undefined> => (await tx.query<{ whole: number }>("SELECT seq_scan::int AS whole FROM pg_stat_xact_user_tables WHERE relname = 'growing'", []))[0]?.whole;
      const earlier = await scans();
      assert.equal((await tx.query(sql, [['key-7', 'none']])).length, 1);
      return [earlier, await scans()];
    });
    assert.equal(later, before, 'all rows were read for one of them');
  });

  it('answers an error of a statement with its code, which is not a transient one, and goes on', async () => {
    const error = await db.query('SELECT * FROM missing').then(() => null, (thrown: unknown) => thrown);
    assert.equal((error as { code?: string }).code, '42P01');
    assert.equal(isTransientDatabaseError(error), false);
    assert.deepEqual(await db.query('SELECT 1 AS one'), [{ one: 1 }]);
  });

  it('wakes listeners after a commit, not after a rollback, and not once they have stopped', async () => {
    const heard: string[] = [];
    const stop = await db.listen('wake_up', (payload) => heard.push(payload));
    await db.transaction((tx) => tx.query("SELECT pg_notify('wake_up', 'rolled back')").then(() => { throw new Error('no'); })).catch(() => undefined);
    await db.transaction((tx) => tx.query("SELECT pg_notify('wake_up', '3:17')"));
    for (let tries = 0; heard.length === 0 && tries < 100; tries += 1) await sleep(20);
    await stop();
    await db.query("SELECT pg_notify('wake_up', 'too late')");
    await sleep(50);
    assert.deepEqual(heard, ['3:17']);
  });

  it('stores bodies under their hash, again without a word, and never under another', async () => {
    const bodies = postgresBodyStore(db);
    const all = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(300_000, 7)].map((bytes) => ({ hash: contentHash(bytes), bytes }));
    await bodies.put([...all, ...all]);
    await bodies.put(all);
    for (const { hash, bytes } of all) assert.deepEqual(await bodies.get(hash), bytes);
    assert.equal(await bodies.get('0'.repeat(64)), null);
    assert.equal(await bodies.get('../../etc/passwd'), null);
    await assert.rejects(bodies.put([{ hash: 'f'.repeat(64), bytes: Buffer.from('other') }]), { code: 'INPUT_INVALID' });
    assert.equal(await bodies.get('f'.repeat(64)), null);
  });
}

describe('PGlite in a folder', () => {
  it('keeps what was committed when it is opened again, in whichever thread, and says when it cannot be opened', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'blackboard-pglite-'));
    try {
      const first = await openPgliteDatabase(join(folder, 'db'), { inThread: true });
      await first.script('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)');
      await first.close();
      await assert.rejects(first.query('SELECT 1'), /has ended/);
      const second = await openPgliteDatabase(join(folder, 'db'));
      assert.deepEqual(await second.query('SELECT * FROM kept'), [{ id: 1 }]);
      await second.close();
      writeFileSync(join(folder, 'file'), '');
      for (const inThread of [true, false]) await assert.rejects(openPgliteDatabase(join(folder, 'file'), { inThread }), { code: 'EEXIST' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('a server that goes away', { skip: missing ?? false }, () => {
  it('breaks what is under way with a transient error, and serves again after its start, listeners too', async () => {
    const real = server as LocalPostgres;
    const db = openPgDatabase({ connectionString: await real.createDatabase('away'), connectTimeoutMs: 10_000 });
    const heard: string[] = [];
    await db.listen('wake_up', (payload) => heard.push(payload));
    const slow = db.query('SELECT pg_sleep(20)').then(() => null, (error: unknown) => error);
    await sleep(100);
    await real.stop('immediate');
    assert.equal(isTransientDatabaseError(await slow), true, String(await slow));
    const refused = await db.query('SELECT 1').then(() => null, (error: unknown) => error);
    assert.equal(isTransientDatabaseError(refused), true, String(refused));
    await real.restart();
    assert.deepEqual(await db.query('SELECT 1 AS one'), [{ one: 1 }]);
    for (let tries = 0; heard.length === 0 && tries < 1_000; tries += 1) await sleep(20);
    assert.deepEqual(heard, [''], 'listening again says that something may have been missed');
    await db.close();
  });
});
