// A deployment's set-up, killed at each of its seams, each time going on from what the one before had left: the last
// run must end well and leave topics, schemas and tables as one that was never killed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { requireMigrated } from '../../../infra/sql/migrate.js';
import { applyTopics } from '../../../infra/topics/apply.js';
import { openPgDatabase } from '../../runtime/postgres/pg-database.js';
import { killText, type Kill } from '../../runtime/seams.js';
import type { Cluster } from '../cluster.js';
import { makeDatabase } from '../make-database.js';
import type { KillReport } from './kills.js';
import { partitions } from './settings.js';

export async function sweepSetup(kills: readonly Kill[], cluster: Cluster, problems: string[]): Promise<readonly KillReport[]> {
  const prefix = `setup-${cluster.prefix}`;
  const { KAFKA_BROKERS: brokers = '', SCHEMA_REGISTRY_URL: registry = '', DATABASE_URL: near = '' } = cluster.env;
  const name = prefix.replace(/\.$/, '').replaceAll('-', '_');
  const databaseUrl = await makeDatabase(near, name);
  const env = {
    PATH: process.env['PATH'] ?? '', KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: registry, BLACKBOARD_TOPIC_PREFIX: prefix, BLACKBOARD_PARTITIONS: String(partitions), SETUP_DATABASE_URL: databaseUrl,
  };
  const reports: KillReport[] = [];
  for (const kill of kills) {
    const startedMs = performance.now();
    const end = await run({ ...env, BLACKBOARD_KILL_AT: killText(kill) });
    reports.push({ kill, isReached: end.signal === 'SIGKILL', diedAfterMs: Math.round(performance.now() - startedMs), problems: end.signal === 'SIGKILL' ? [] : [`it ended with ${end.code}: ${end.said}`] });
  }
  const last = await run(env);
  if (last.code !== 0) problems.push(`set-up does not end well after its crashes (${last.code}): ${last.said}`);
  const changes = await applyTopics({ brokers: [brokers], clientId: 'crash-sweep' }, { prefix, partitions, replication: 1, profile: 'local' });
  const made = changes.filter(({ change }) => change === 'created');
  if (made.length > 0) problems.push(`set-up left topics to make: ${JSON.stringify(made)}`);
  const db = openPgDatabase({ connectionString: databaseUrl });
  await requireMigrated(db).catch((error: unknown) => void problems.push((error as Error).message)).finally(() => db.close());
  return reports;
}

async function run(env: Readonly<Record<string, string>>): Promise<{ readonly code: number | null; readonly signal: string | null; readonly said: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../../infra/compose/setup.js', import.meta.url))], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said = `${said}${chunk.toString()}`.slice(-1_500); });
  const [code, signal] = await once(child, 'exit') as [number | null, string | null];
  return { code, signal, said };
}
