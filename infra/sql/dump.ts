// The schema as the catalog tells it, in a stable order: kept in schema.sql and held equal to the migrations by a
// test, so that a review sees what a migration really makes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Database } from '../../services/runtime/database.js';
import { openPgliteDatabase } from '../../services/runtime/postgres/pglite-database.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { migrate } from './migrate.js';

export const schemaFile: string = join(projectRoot, 'infra/sql/schema.sql');

/** The current schema of a database as text: tables, indexes, views, functions, triggers, privileges. */
export async function dumpSchema(db: Pick<Database, 'query'>): Promise<string> {
  const sections: string[] = ['-- Made by infra/sql/dump.ts from the catalog of a migrated database. Do not edit.'];
  for (const sql of [tables, indexes, views, functions, triggers, grants]) {
    const rows = await db.query<{ text: string }>(sql);
    sections.push(rows.map((row) => row.text.trim()).join('\n'));
  }
  return `${sections.join('\n\n')}\n`;
}

/** The dump of a fresh database in memory with all migrations applied. */
export async function dumpMigrations(): Promise<string> {
  const db = await openPgliteDatabase();
  try {
    await migrate(db);
    return await dumpSchema(db);
  } finally {
    await db.close();
  }
}

const ours = 'n.nspname = current_schema()';

const tables = `
SELECT format(E'CREATE TABLE %I (\\n%s\\n)%s;', c.relname, string_agg(part.text, E',\\n' ORDER BY part.place, part.name), ' WITH (' || array_to_string(c.reloptions, ', ') || ')') AS text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL (
  SELECT a.attnum::int AS place, a.attname::text AS name, format('  %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
    CASE WHEN d.adbin IS NULL THEN '' WHEN a.attgenerated = 's' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') STORED' ELSE ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END)
    || CASE WHEN a.attstorage = 'e' THEN ' /* storage external */' ELSE '' END AS text
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT 10000, k.conname::text, format('  CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid))
  FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'c', 'f')
) part
WHERE ${ours} AND c.relkind = 'r' GROUP BY c.relname, c.reloptions ORDER BY c.relname`;

const indexes = `
SELECT pg_get_indexdef(i.indexrelid) || ';' AS text
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${ours} AND NOT i.indisprimary ORDER BY c.relname`;

const views = `
SELECT format(E'CREATE VIEW %I AS\\n%s', c.relname, pg_get_viewdef(c.oid, true)) AS text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${ours} AND c.relkind = 'v' ORDER BY c.relname`;

const functions = `
SELECT pg_get_functiondef(p.oid) AS text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${ours} ORDER BY p.proname`;

const triggers = `
SELECT pg_get_triggerdef(t.oid) || ';' AS text
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${ours} AND NOT t.tgisinternal ORDER BY t.tgname`;

const grants = `
SELECT format('GRANT %s ON %I TO %I;', string_agg(g.privilege_type || coalesce(' (' || g.columns || ')', ''), ', ' ORDER BY g.privilege_type), g.table_name, g.grantee) AS text
FROM (
  SELECT table_name::text, grantee::text, privilege_type::text, NULL::text AS columns FROM information_schema.role_table_grants
  WHERE table_schema = current_schema()
  UNION ALL
  SELECT c.table_name::text, c.grantee::text, c.privilege_type::text, string_agg(c.column_name::text, ', ' ORDER BY c.column_name)
  FROM information_schema.role_column_grants c
  WHERE c.table_schema = current_schema() AND NOT EXISTS (
    SELECT 1 FROM information_schema.role_table_grants t
    WHERE t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.grantee = c.grantee AND t.privilege_type = c.privilege_type)
  GROUP BY 1, 2, 3
) g
WHERE g.grantee LIKE 'blackboard\\_%' GROUP BY g.table_name, g.grantee ORDER BY g.table_name, g.grantee`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(schemaFile, await dumpMigrations());
