// The servers of a run: a broker, a registry and a Postgres of its own, since they will be killed. Some clients reach
// the broker and Postgres through proxies that can lose what a network loses: the broker has a second listener whose
// advertised address is the proxy, so services need to know nothing of it.

import { join } from 'node:path';
import { startRegistry, type LocalRegistry } from '../../../infra/local/apicurio.js';
import { startBroker, type LocalBroker } from '../../../infra/local/broker.js';
import { freePorts } from '../../../infra/local/free-ports.js';
import { startPostgres, type LocalPostgres } from '../../../infra/local/postgres.js';
import { FaultProxy } from '../../runtime/log/kafka/fault-proxy.js';
import { startOpenAiServer, type Behaviour, type OpenAiServer } from '../openai-server.js';
import { startRegistryFront, type RegistryFront } from './registry-front.js';

export interface Servers {
  readonly broker: LocalBroker;
  readonly postgres: LocalPostgres;
  readonly registry: LocalRegistry;
  readonly registryFront: RegistryFront;
  readonly logProxy: FaultProxy;
  readonly postgresProxy: FaultProxy;
  readonly model: OpenAiServer & { behave: ((index: number) => Behaviour) | null };
  stop(): Promise<void>;
}

export interface ServersOptions {
  readonly kafkaVersion?: string | undefined;
  /** Kept when given. */
  readonly dir?: string | undefined;
}

export async function startServers({ kafkaVersion, dir }: ServersOptions): Promise<Servers> {
  const place = (name: string): { readonly dir?: string } => (dir === undefined ? {} : { dir: join(dir, name) });
  const [client, internal, controller, lossy] = await freePorts(4) as [number, number, number, number];
  const stops: (() => Promise<void>)[] = [];
  const keep = <T>(made: T, stop: (made: T) => Promise<void>): T => {
    stops.unshift(() => stop(made));
    return made;
  };
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0)) await each();
  };
  try {
    const logProxy = keep(await FaultProxy.open({ host: '127.0.0.1', port: lossy }), (proxy) => proxy.close());
    const [broker, registry, postgres] = await Promise.all([
      startBroker({
        security: 'none', ports: { client, internal, controller }, extraProperties: lossyListener({ client, internal, controller, lossy }, logProxy.address.port),
        ...place('kafka'), ...(kafkaVersion === undefined ? {} : { version: kafkaVersion }),
      }).then((made) => keep(made, (broker) => broker.stop())),
      startRegistry(place('registry')).then((made) => keep(made, (registry) => registry.stop())),
      startPostgres(place('postgres')).then((made) => keep(made, (postgres) => postgres.stop('fast'))),
    ]);
    const postgresProxy = keep(await FaultProxy.open({ host: '127.0.0.1', port: postgres.port }), (proxy) => proxy.close());
    const registryFront = keep(await startRegistryFront(registry.url), (front) => front.close());
    const model = keep(await startModel(), (server) => server.close());
    return { broker, postgres, registry, registryFront, logProxy, postgresProxy, model, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Ports = Readonly<Record<'client' | 'internal' | 'controller' | 'lossy', number>>;

function lossyListener({ client, internal, controller, lossy }: Ports, proxyPort: number): Readonly<Record<string, string>> {
  return {
    listeners: `CLIENT://127.0.0.1:${client},LOSSY://127.0.0.1:${lossy},INTERNAL://127.0.0.1:${internal},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${client},LOSSY://127.0.0.1:${proxyPort},INTERNAL://127.0.0.1:${internal}`,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,LOSSY:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    // Sessions shorter than the broker's usual least, so that a run sees many of them end.
    'group.min.session.timeout.ms': '1000',
  };
}

async function startModel(): Promise<Servers['model']> {
  const answer: Behaviour = { kind: 'answer', content: '{"text":"as asked"}' };
  const server = await startOpenAiServer((_body, index) => (state.behave ?? (() => answer))(index));
  const state: Servers['model'] = Object.assign(server, { behave: null });
  return state;
}
