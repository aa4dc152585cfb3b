// The servers that Kafka mode needs, started side by side. What fails takes the others down with it.
import { join } from 'node:path';
import { startRegistry } from './apicurio.js';
import { startBroker } from './broker.js';
import type { Say } from './fetch.js';
import { startPostgres } from './postgres.js';

export interface StackWants {
  readonly kafka?: boolean;
  readonly registry?: boolean;
  readonly postgres?: boolean;
}

/** What BLACKBOARD_TEST_STACK holds as JSON. */
export interface StackAddresses {
  readonly bootstrap?: string;
  readonly registryUrl?: string;
  readonly postgresUrl?: string;
}

export interface LocalStack {
  readonly addresses: StackAddresses;
  /** Stops all; throws the first problem after having tried each. */
  stop(): Promise<void>;
}

/** `dir` keeps the data of all three (in folders of their own); without it everything is scratch. */
export async function startStack(wants: StackWants, { dir, say }: { dir?: string; say?: Say } = {}): Promise<LocalStack> {
  const stops: (() => Promise<void>)[] = [];
  const place = (name: string): { dir?: string; say?: Say } => ({ ...(dir === undefined ? {} : { dir: join(dir, name) }), ...(say === undefined ? {} : { say }) });
  const stopAll = async (): Promise<void> => throwFirst(await Promise.allSettled(stops.splice(0).map((stop) => stop())));
  const started = await Promise.allSettled([
    wants.kafka ? startBroker({ security: 'none', ...place('kafka') }).then((broker) => (stops.push(() => broker.stop()), { bootstrap: broker.bootstrap })) : {},
    wants.registry ? startRegistry(place('registry')).then((registry) => (stops.push(() => registry.stop()), { registryUrl: registry.url })) : {},
    wants.postgres ? startPostgres(place('postgres')).then((postgres) => (stops.push(() => postgres.stop('fast')), { postgresUrl: postgres.url })) : {},
  ]);
  try {
    throwFirst(started);
  } catch (error) {
    await stopAll();
    throw error;
  }
  const parts = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  return { addresses: Object.assign({}, ...parts) as StackAddresses, stop: stopAll };
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
