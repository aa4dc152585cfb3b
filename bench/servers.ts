// The servers of a run: one broker, one registry, one Postgres for all systems.

import { join } from 'node:path';
import { startRegistry } from '../infra/local/apicurio.js';
import { startBroker, type LocalBroker } from '../infra/local/broker.js';
import { startPostgres, type LocalPostgres } from '../infra/local/postgres.js';
import { openPgDatabase } from '../services/runtime/postgres/pg-database.js';
import type { SystemChoice } from './systems.js';

export interface Servers {
  readonly broker: LocalBroker;
  readonly registryUrl: string;
  readonly postgres: LocalPostgres;
  /** Statistics of all tables, which the autovacuum of any server in use has gathered long since, but not that of one just started. */
  analyze(): Promise<void>;
  stop(): Promise<void>;
}

/** Of 16 MiB each: `min_wal_size` of docker-compose.yml. */
const segmentsUsedAgain = 64;

export async function startServers(): Promise<Servers> {
  const [broker, registry, postgres] = await Promise.all([startBroker({ security: 'none', fullSpeed: true }), startRegistry(), startPostgres()]);
  await fillLog(postgres.url);
  return { broker, registryUrl: registry.url, postgres, analyze: () => analyze(postgres.url), stop: async () => void await Promise.all([broker.stop(), registry.stop(), postgres.stop('fast')]) };
}

/**
 * Segments of the write-ahead log that are written into again, as any server in use has them: one just started makes a
 * file of 16 MiB, in the middle of somebody's commit, each time that one is full (50 ms, once a second at 1,000 jobs/s).
 */
async function fillLog(url: string): Promise<void> {
  const db = openPgDatabase({ connectionString: url });
  try {
    await db.script("ALTER SYSTEM SET min_wal_size = '1GB'");
    await db.script(`SELECT pg_reload_conf(); DO $$ BEGIN
      FOR segment IN 1..${segmentsUsedAgain} LOOP PERFORM pg_logical_emit_message(false, 'bench', ''); PERFORM pg_switch_wal(); END LOOP;
    END $$`);
    await db.script('CHECKPOINT');
  } finally {
    await db.close();
  }
}

async function analyze(url: string): Promise<void> {
  const db = openPgDatabase({ connectionString: url });
  const databases = await db.query<{ name: string }>('SELECT datname AS name FROM pg_database WHERE datallowconn AND NOT datistemplate').finally(() => db.close());
  await Promise.all(databases.map(async ({ name }) => {
    const one = openPgDatabase({ connectionString: new URL(`/${encodeURIComponent(name)}`, url).href });
    await one.script('ANALYZE').finally(() => one.close());
  }));
}

/** What a system's driver is told: its addresses, and whose processor time counts as its own. */
export async function setupOf({ servers: wanted, setup, database }: SystemChoice, { broker, postgres, registryUrl }: Servers): Promise<object> {
  const counted = wanted.map((name): [string, number] => (name === 'postgres' ? ['postgres', postgres.pid] : ['kafka', broker.pid]));
  return {
    ...setup, ...(database === undefined ? {} : { postgresUrl: await postgres.createDatabase(database) }), servers: Object.fromEntries(counted),
    addresses: { bootstrap: broker.bootstrap, registryUrl, postgresUrl: postgres.url }, ...(wanted.length > 0 ? { kafkaDataDir: join(broker.dir, 'data') } : {}),
  };
}
