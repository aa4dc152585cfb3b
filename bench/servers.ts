// The servers of a run: one broker, one registry, one Postgres for all systems, and a broker that flushes each record to
// disk where a system asks for it.

import { join } from 'node:path';
import { startRegistry } from '../infra/local/apicurio.js';
import { startBroker, type LocalBroker } from '../infra/local/broker.js';
import { startPostgres, type LocalPostgres } from '../infra/local/postgres.js';
import type { SystemChoice } from './systems.js';

export interface Servers {
  readonly broker: LocalBroker;
  readonly flushedBroker: LocalBroker | null;
  readonly registryUrl: string;
  readonly postgres: LocalPostgres;
  stop(): Promise<void>;
}

/** Starts what these systems need. */
export async function startServers(choices: readonly SystemChoice[]): Promise<Servers> {
  const isFlushed = choices.some(({ servers }) => servers.includes('kafka-flushed'));
  const [broker, flushedBroker, registry, postgres] = await Promise.all([
    startBroker({ security: 'none', fullSpeed: true }), isFlushed ? startBroker({ security: 'none', fullSpeed: true, flushEveryMessage: true }) : null, startRegistry(), startPostgres(),
  ]);
  return {
    broker, flushedBroker, registryUrl: registry.url, postgres,
    stop: async () => void await Promise.all([broker.stop(), flushedBroker?.stop(), registry.stop(), postgres.stop('fast')]),
  };
}

/** What a system's driver is told: its addresses, and whose processor time counts as its own. */
export async function setupOf({ servers: wanted, setup, database }: SystemChoice, { broker, flushedBroker, postgres, registryUrl }: Servers): Promise<object> {
  const kafka = wanted.includes('kafka-flushed') ? flushedBroker ?? broker : broker;
  const counted = wanted.map((name): [string, number] => (name === 'postgres' ? ['postgres', postgres.pid] : ['kafka', kafka.pid]));
  return {
    ...setup, ...(database === undefined ? {} : { postgresUrl: await postgres.createDatabase(database) }), servers: Object.fromEntries(counted),
    addresses: { bootstrap: kafka.bootstrap, registryUrl, postgresUrl: postgres.url }, ...(wanted.length > 0 ? { kafkaDataDir: join(kafka.dir, 'data') } : {}),
  };
}
