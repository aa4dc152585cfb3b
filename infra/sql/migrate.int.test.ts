import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it, test } from 'node:test';
import { whatIsMissing } from '../local/for-tests.js';
import { startPostgres, type LocalPostgres } from '../local/postgres.js';
import { openDatabase } from '../../replay/open-database.js';
import { openPgDatabase } from '../../services/runtime/postgres/pg-database.js';
import { openPgliteDatabase } from '../../services/runtime/postgres/pglite-database.js';
import type { ListeningDatabase } from '../../services/runtime/postgres/listening-database.js';
import { dumpMigrations, schemaFile } from './dump.js';
import { loadMigrations, migrate, migratePostgres, requireMigrated } from './migrate.js';

const missing = await whatIsMissing({ postgres: true });
const server: LocalPostgres | null = missing === undefined ? await startPostgres() : null;
after(() => server?.stop('fast'));

test('schema.sql is what the migrations make', async () => {
  assert.equal(await dumpMigrations(), readFileSync(schemaFile, 'utf8'), 'a migration changed the schema: run infra/sql/dump.ts and look at the difference');
});

test('a migration reads all rows before it takes locks that readers wait for', () => {
  // What ran before this rule stays as it is.
  for (const { name, sql } of loadMigrations().slice(10)) {
    const locks = sql.search(/^(CREATE OR REPLACE VIEW|DROP|ALTER)/m);
    if (locks >= 0) assert.ok(sql.lastIndexOf('\nCREATE INDEX') < locks, `${name}: an index is built while a view or table is locked`);
  }
});

describe('PGlite', () => migrations(() => openPgliteDatabase()));
describe('Postgres', { skip: missing ?? false }, () => {
  let number = 0;
  const create = async (): Promise<string> => (server as LocalPostgres).createDatabase(`migrations_${number += 1}`);
  migrations(async () => openPgDatabase({ connectionString: await create() }));

  it('processes that start together migrate once', async () => {
    const connectionString = await create();
    const all = Array.from({ length: 4 }, () => openPgDatabase({ connectionString }));
    const applied = await Promise.all(all.map((db) => migrate(db)));
    assert.deepEqual(applied.map((names) => names.length).sort(), [0, 0, 0, loadMigrations().length]);
    for (const db of all) await db.close();
  });

  it('may take hours, and so may a comparison: the bound of a service is not theirs', async () => {
    const connectionString = await create();
    await migratePostgres(connectionString, [{ number: 1, name: '000001_slow.sql', hash: 'a'.repeat(64), sql: "CREATE TABLE seen AS SELECT current_setting('statement_timeout') AS timeout" }]);
    const db = await openDatabase({ databaseUrl: connectionString });
    assert.deepEqual(await db.query("SELECT timeout, current_setting('statement_timeout') AS now FROM seen"), [{ timeout: '6h', now: '6h' }]);
    await db.close();
  });

  it('finds the rows of a time in a table that grows fast, and leaves the server\'s log in peace', async () => {
    const db = openPgDatabase({ connectionString: await create() });
    await migrate(db);
    // More ranges of pages than autovacuum's list of things to do has places for.
    await db.script(`INSERT INTO audit_rows (topic, partition, "offset", ts, stale, event_type, node, epoch, cause, authentic, digest, detail)
      SELECT 'v', 0, n, timestamptz '2026-01-01' + n * interval '1 second', false, 'JobEnded', 'orchestrator', 0, n, true, '', jsonb_build_object('text', repeat('x', 1500)) FROM generate_series(1, 60000) n`);
    assert.doesNotMatch((server as LocalPostgres).logTail(), /was not recorded/);
    await db.script('VACUUM ANALYZE audit_rows');
    const plan = JSON.stringify(await db.query(`EXPLAIN (ANALYZE, FORMAT JSON) SELECT "offset" FROM audit_rows WHERE ts BETWEEN '2026-01-01 10:00' AND '2026-01-01 10:01'`));
    const readBeside = Number(/"Rows Removed by Index Recheck":(\d+)/.exec(plan)?.[1]);
    assert.ok(readBeside < 1_000, `${readBeside} rows were read beside the 61 of a minute: ${plan}`);
    await db.close();
  });

  it('two schemas of one database are two blackboards', async () => {
    const connectionString = await create();
    const admin = openPgDatabase({ connectionString });
    await admin.script('CREATE SCHEMA first; CREATE SCHEMA second');
    for (const schema of ['first', 'second']) {
      const db = openPgDatabase({ connectionString, schema });
      assert.equal((await migrate(db)).length, loadMigrations().length);
      await requireMigrated(db);
      await db.close();
    }
    await admin.close();
  });
});

function migrations(open: () => Promise<ListeningDatabase>): void {
  let db: ListeningDatabase;
  before(async () => { db = await open(); });
  after(() => db.close());
  const last = { number: loadMigrations().length + 1, name: '000099_last.sql', hash: 'a'.repeat(64) };

  it('refuses a database that was never migrated', async () => {
    await assert.rejects(requireMigrated(db), { code: 'DATABASE_DRIFT' });
  });

  it('keeps nothing of a run in which one migration does not apply', async () => {
    await assert.rejects(migrate(db, [...loadMigrations(), { ...last, sql: 'CREATE TABLE fine (id int); SELECT no_such_function()' }]), { code: 'MIGRATION_FAILED' });
    assert.deepEqual(await db.query("SELECT to_regclass('audit_rows')::text AS there"), [{ there: null }]);
  });

  it('applies what is missing, in order, once', async () => {
    assert.deepEqual(await migrate(db), loadMigrations().map((migration) => migration.name));
    assert.deepEqual(await migrate(db), []);
    await requireMigrated(db);
  });

  it('refuses a database of a newer version, and one migrated by another text', async () => {
    await db.query('INSERT INTO migrations (number, name, hash) VALUES ($1, $2, $3)', [last.number, last.name, last.hash]);
    await assert.rejects(migrate(db), { code: 'DATABASE_DRIFT', message: /000099_last\.sql was applied by a newer version/ });
    await db.query('DELETE FROM migrations WHERE number = $1', [last.number]);
    const [first, ...others] = loadMigrations();
    assert.ok(first !== undefined);
    await assert.rejects(requireMigrated(db, [{ ...first, hash: 'b'.repeat(64) }, ...others]), { code: 'DATABASE_DRIFT', message: /another text/ });
  });
}
