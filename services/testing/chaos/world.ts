// All that a fault can reach: servers, services, load, log. Opened for one run and closed whole.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../../infra/local/free-ports.js';
import { Cluster } from '../cluster.js';
import { Dice } from '../simulation/dice.js';
import { ClaimSender } from './claims.js';
import { Fleet, replicas, type Seat } from './fleet.js';
import { Journal } from './journal.js';
import { Load } from './load.js';
import { LogFollower } from './log-follower.js';
import { startServers, type Servers } from './servers.js';
import { principals, workflows } from './workflows.js';

export interface WorldOptions {
  readonly jobs: number;
  readonly seed: number;
  /** Over which the jobs are submitted. */
  readonly planMs: number;
  readonly sessionTimeoutMs: number;
  readonly kafkaVersion?: string | undefined;
  /** Servers' data and logs are kept there. */
  readonly dir?: string | undefined;
  readonly say: (line: string) => void;
}

export interface World {
  readonly options: WorldOptions;
  readonly servers: Servers;
  readonly cluster: Cluster;
  readonly fleet: Fleet;
  readonly journal: Journal;
  readonly load: Load;
  readonly follower: LogFollower;
  readonly claims: ClaimSender;
  /** Figures that faults count as they strike. */
  readonly counts: Map<string, number>;
  readonly principalsFile: string;
  readonly workflowsDir: string;
  readonly runsDir: string;
  close(): Promise<void>;
}

export function count(world: Pick<World, 'counts'>, what: string, by = 1): void {
  world.counts.set(what, (world.counts.get(what) ?? 0) + by);
}

export async function openWorld(options: WorldOptions): Promise<World> {
  const { seed, jobs, planMs, sessionTimeoutMs, say } = options;
  const servers = await startServers(options);
  const stops: (() => Promise<void>)[] = [() => servers.stop()];
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    const addresses = { bootstrap: servers.broker.bootstrap, registryUrl: servers.registry.url, postgresUrl: servers.postgres.url };
    const cluster = await Cluster.open({ name: `chaos${seed}`, sessionTimeoutMs, servers: addresses, principals: Object.keys(principals) });
    stops.push(() => cluster.close());
    const files = writeFiles(cluster.folder);
    const ports = await freePorts(replicas.gateway + replicas.ingress);
    const [gatewayPorts, ingressPorts] = [ports.slice(0, replicas.gateway), ports.slice(replicas.gateway)];
    const journal = new Journal(say);
    const envOf = environments({ servers, cluster, files, gatewayPorts, ingressPorts });
    const fleet = new Fleet({ cluster, journal, sessionTimeoutMs, envOf });
    stops.push(() => fleet.stop());
    const follower = new LogFollower(cluster);
    const load = new Load({ urls: ingressPorts.map((port) => `http://127.0.0.1:${port}`), jobs, planMs, seed, dice: new Dice(seed) });
    follower.start();
    stops.push(() => follower.stop());
    // A run that is broken off leaves no process behind.
    const breakOff = (): void => fleet.killAll();
    process.once('exit', breakOff);
    stops.push(async () => void process.off('exit', breakOff));
    await fleet.start();
    return { options, servers, cluster, fleet, journal, load, follower, claims: new ClaimSender(cluster), counts: new Map(), ...files, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Files {
  readonly principalsFile: string;
  readonly workflowsDir: string;
  readonly runsDir: string;
}

function writeFiles(folder: string): Files {
  const files = { principalsFile: join(folder, 'principals.json'), workflowsDir: join(folder, 'workflows'), runsDir: join(folder, 'runs') };
  mkdirSync(files.workflowsDir);
  mkdirSync(files.runsDir);
  writeFileSync(files.principalsFile, JSON.stringify(principals));
  for (const workflow of workflows) writeFileSync(join(files.workflowsDir, `${workflow.name}.json`), JSON.stringify(workflow));
  return files;
}

interface Surroundings {
  readonly servers: Servers;
  readonly cluster: Cluster;
  readonly files: Files;
  readonly gatewayPorts: readonly number[];
  readonly ingressPorts: readonly number[];
}

/** Replica n talks to gateway n. The second replica of each group reaches broker and Postgres through the proxies, and has a clock that jumps. */
function environments({ servers, cluster, files, gatewayPorts, ingressPorts }: Surroundings): (seat: Pick<Seat, 'kind' | 'index'>) => Readonly<Record<string, string>> {
  const { logProxy, postgresProxy, registryFront, model } = servers;
  const throughProxy = new URL(cluster.env['DATABASE_URL'] as string);
  throughProxy.port = String(postgresProxy.address.port);
  const module = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const clock = `--import=${new URL('./jumping-clock.js', import.meta.url).href}`;
  const agents = { AGENT_MODULES: `${module('./agents/worker.js')},${module('./agents/checker.js')}`, CHAOS_RUNS: files.runsDir };
  return ({ kind, index }) => {
    const isSecond = index === 1;
    const lossy: Record<string, string> = isSecond ? { KAFKA_BROKERS: `${logProxy.address.host}:${logProxy.address.port}` } : {};
    const shared = { BLACKBOARD_LOG_LEVEL: 'info', SCHEMA_REGISTRY_URL: registryFront.url, ...lossy };
    const gateway = `http://127.0.0.1:${gatewayPorts[index]}`;
    const jumping: Record<string, string> = isSecond ? { NODE_OPTIONS: clock } : {};
    switch (kind) {
      case 'orchestrator': return { ...shared, ...jumping, BLACKBOARD_PRINCIPALS: files.principalsFile, BLACKBOARD_WORKFLOWS: files.workflowsDir };
      case 'projector': return { ...shared, ...jumping, ...(isSecond ? { DATABASE_URL: throughProxy.href } : {}) };
      case 'ingress': return { ...shared, ...jumping, INGRESS_PORT: String(ingressPorts[index]), GATEWAY_URL: gateway };
      case 'gateway': return {
        ...shared, GATEWAY_PORT: String(gatewayPorts[index]), OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'chaos', MODEL_PRIMARY: 'first', MODEL_FALLBACK: 'second',
        MODEL_ATTEMPTS: '2', MODEL_TIMEOUT: '1s', MODEL_DEADLINE: '4s', MODEL_RETRY_AFTER_MAX: '1s', MODEL_ANSWER_BYTES_MAX: '1MiB',
      };
      default: return { ...shared, ...agents, AGENTS: kind, GATEWAY_URL: gateway };
    }
  };
}
