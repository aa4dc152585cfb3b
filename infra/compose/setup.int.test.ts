// The one-shot set-up on real servers: run twice, it leaves what services need, and logins that may do no more.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openPgDatabase } from '../../services/runtime/postgres/pg-database.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { sharedBroker, sharedPostgres, sharedRegistry, whatIsMissing } from '../local/for-tests.js';
import { findPostgres } from '../local/needs.js';
import { startPostgres } from '../local/postgres.js';
import { requireMigrated } from '../sql/migrate.js';
import { checkTopics } from '../topics/apply.js';

const skip = (await whatIsMissing({ kafka: true, registry: true, postgres: true })) ?? false;

test('the set-up makes topics, schemas, tables and logins, and can be run again', { skip, timeout: 120_000 }, async (t) => {
  const [broker, registry, postgres] = await Promise.all([sharedBroker(), sharedRegistry(), sharedPostgres()]);
  const folder = mkdtempSync(join(tmpdir(), 'blackboard-setup-'));
  const id = `setup_${process.pid}_${Date.now() % 1_000_000}`;
  const urlFor = (user?: string, password?: string): string => {
    const url = new URL(postgres.postgresUrl);
    url.pathname = `/${id}`;
    if (user !== undefined) url.username = user;
    if (password !== undefined) url.password = encodeURIComponent(password);
    return url.href;
  };
  const server = openPgDatabase({ connectionString: postgres.postgresUrl });
  t.after(async () => {
    await server.query(`DROP DATABASE IF EXISTS ${id}`);
    await server.query(`DROP ROLE IF EXISTS ${id}_p`);
    await server.close();
    rmSync(folder, { recursive: true });
    await Promise.all([broker.release(), registry.release(), postgres.release()]);
  });
  await server.query(`CREATE DATABASE ${id}`);
  const env = {
    PATH: process.env['PATH'] ?? '', KAFKA_BROKERS: broker.bootstrap, SCHEMA_REGISTRY_URL: registry.registryUrl, BLACKBOARD_TOPIC_PREFIX: `${id.replaceAll('_', '-')}.`,
    SETUP_DATABASE_URL: urlFor(), SETUP_PROJECTOR_DATABASE_URL: urlFor(`${id}_p`, "it's % a: password"),
  };
  for (const run of ['first', 'again']) {
    const { status, stderr } = await setUp(env);
    assert.equal(status, 0, `${run}: ${stderr}`);
  }

  assert.deepEqual(await checkTopics({ brokers: [broker.bootstrap], clientId: 'setup-test' }, { prefix: env.BLACKBOARD_TOPIC_PREFIX, partitions: 4, replication: 1, profile: 'local' }), []);
  const subjects = await (await fetch(`${registry.registryUrl}/subjects`)).json() as string[];
  assert.ok(subjects.some((subject) => subject.startsWith(`${env.BLACKBOARD_TOPIC_PREFIX}verified`)), 'no schema of this prefix is registered');

  const projector = openPgDatabase({ connectionString: env.SETUP_PROJECTOR_DATABASE_URL, role: 'blackboard_projector' });
  const bare = openPgDatabase({ connectionString: env.SETUP_PROJECTOR_DATABASE_URL });
  const asGateway = openPgDatabase({ connectionString: env.SETUP_PROJECTOR_DATABASE_URL, role: 'blackboard_gateway' });
  try {
    await requireMigrated(projector);
    await assert.rejects(projector.query('DELETE FROM audit_rows'), /permission denied|never changed/);
    await assert.rejects(bare.query('SELECT 1 FROM audit_rows'), /permission denied/);
    await assert.rejects(asGateway.query('SELECT 1 FROM bodies'), /permission denied/);
  } finally {
    await Promise.all([projector.close(), bare.close(), asGateway.close()]);
  }
});

test('the registry gets a database of its own, and again without harm', { skip, timeout: 60_000 }, async (t) => {
  // A server of its own: the script makes a role and a database of fixed names.
  const postgres = await startPostgres();
  const folder = mkdtempSync(join(tmpdir(), 'blackboard-registry-'));
  t.after(async () => {
    rmSync(folder, { recursive: true });
    await postgres.stop('fast');
  });
  const url = new URL(postgres.url);
  for (const [name, text] of [['owner', decodeURIComponent(url.password)], ['registry', "registry's password"]] as const) writeFileSync(join(folder, name), text);
  const { path: bin = '' } = await findPostgres();
  const env = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`, PGHOST: url.hostname, PGPORT: url.port, PGUSER: decodeURIComponent(url.username), PGDATABASE: url.pathname.slice(1) || 'postgres',
    POSTGRES_PASSWORD_FILE: join(folder, 'owner'), REGISTRY_PASSWORD_FILE: join(folder, 'registry'),
  };
  for (const run of ['first', 'again']) {
    const made = spawnSync('bash', [join(projectRoot, 'infra/compose/registry-database.sh')], { env, encoding: 'utf8' });
    assert.equal(made.status, 0, `${run}: ${made.stderr}`);
  }
  const own = new URL(url.href);
  own.pathname = '/registry';
  own.username = 'registry';
  own.password = encodeURIComponent("registry's password");
  const registry = openPgDatabase({ connectionString: own.href });
  try {
    await registry.query('CREATE TABLE may_create (id integer)');
  } finally {
    await registry.close();
  }
});

/** As a process, so that its exit code is seen. */
async function setUp(env: Readonly<Record<string, string>>): Promise<{ readonly status: number | null; readonly stderr: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./setup.js', import.meta.url))], { env: { ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  const [status] = await once(child, 'close') as [number | null];
  return { status, stderr };
}
