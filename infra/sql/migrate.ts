// Numbered SQL, each applied once, all that are missing in one transaction. What is applied is remembered with the
// hash of its text: a database that was migrated by other files than these is refused, never guessed at.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { Database } from '../../services/runtime/database.js';
import { BlackboardError } from '../../services/runtime/errors.js';
import { maintenanceTimeoutMs, openPgDatabase } from '../../services/runtime/postgres/pg-database.js';
import { projectRoot } from '../../services/runtime/project-root.js';

export interface Migration {
  readonly number: number;
  /** File name, e.g. `000001_tables.sql`. */
  readonly name: string;
  /** SHA-256 of the file, 64 hex digits. */
  readonly hash: string;
  readonly sql: string;
}

type Applied = { number: number; name: string; hash: string };

const createList = 'CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL, hash text NOT NULL)';

/** All migrations of this version, in order. @throws Error when a number is missing or used twice. */
export function loadMigrations(folder = join(projectRoot, 'infra/sql')): readonly Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{6}_.+\.sql$/.test(name)).sort();
  return names.map((name, index) => {
    const number = Number(name.slice(0, 6));
    if (number !== index + 1) throw new Error(`${name} in ${folder}: the next migration must have the number ${index + 1}`);
    const sql = readFileSync(join(folder, name), 'utf8');
    return { number, name, hash: createHash('sha256').update(sql).digest('hex'), sql };
  });
}

/**
 * Brings the database's current schema to this version; answers the names that were applied now.
 * Processes that start together wait for each other. Needs the right to create tables and roles.
 * @throws BlackboardError MIGRATION_FAILED: nothing was applied.
 * @throws BlackboardError DATABASE_DRIFT: the database was migrated by another version.
 */
export async function migrate(db: Database, migrations: readonly Migration[] = loadMigrations()): Promise<readonly string[]> {
  return db.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('blackboard migrations'))");
    await tx.query(createList);
    const missing = missingOf(migrations, await tx.query<Applied>('SELECT number, name, hash FROM migrations ORDER BY number'));
    for (const migration of missing) {
      try {
        await tx.query(migration.sql);
      } catch (cause) {
        throw new BlackboardError('MIGRATION_FAILED', `${migration.name} did not apply, and nothing of this run was kept: ${(cause as Error).message}. `
          + 'Migrate with a login that owns the schema and may create roles, then start again.', { migration: migration.name }, { cause });
      }
      await tx.query('INSERT INTO migrations (number, name, hash) VALUES ($1, $2, $3)', [migration.number, migration.name, migration.hash]);
    }
    return missing.map((migration) => migration.name);
  });
}

/**
 * The same over a connection of its own, on which a statement may take hours: an index over a year of rows does, and a
 * service's bound would end it at every try.
 */
export async function migratePostgres(connectionString: string, migrations?: readonly Migration[]): Promise<readonly string[]> {
  const db = openPgDatabase({ connectionString, applicationName: 'migrations', statementTimeoutMs: maintenanceTimeoutMs, connectionsMax: 1 });
  try {
    return await migrate(db, migrations);
  } finally {
    await db.close();
  }
}

/**
 * For services whose login may not migrate: checks that the database is exactly at this version.
 * @throws BlackboardError DATABASE_DRIFT
 */
export async function requireMigrated(db: Pick<Database, 'query'>, migrations: readonly Migration[] = loadMigrations()): Promise<void> {
  const [found] = await db.query<{ list: string | null }>("SELECT to_regclass('migrations')::text AS list");
  const applied = found?.list == null ? [] : await db.query<Applied>('SELECT number, name, hash FROM migrations ORDER BY number');
  const missing = missingOf(migrations, applied);
  if (missing.length > 0) throw new BlackboardError('DATABASE_DRIFT', `the database lacks ${missing.map((migration) => migration.name).join(', ')}: migrate it first`, { missing: missing.map((migration) => migration.name) });
}

function missingOf(migrations: readonly Migration[], applied: readonly Applied[]): readonly Migration[] {
  for (const row of applied) {
    const known = migrations.find((migration) => migration.number === row.number);
    if (known === undefined) throw drift(`${row.name} was applied by a newer version`, row);
    if (known.hash !== row.hash) throw drift(`${row.name} was applied with another text than this version has`, row);
  }
  const done = new Set(applied.map((row) => row.number));
  return migrations.filter((migration) => !done.has(migration.number));
}

function drift(what: string, row: Applied): BlackboardError {
  return new BlackboardError('DATABASE_DRIFT', `${what}; what this one would do to the tables is not known. Start the version that migrated the database, or give this one a database of its own.`, { migration: row.name, number: row.number });
}
