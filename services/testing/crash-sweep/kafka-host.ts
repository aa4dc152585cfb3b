// The services of a deployment as processes of their own on real servers, each in a seat: started to die at a seam,
// and started again. Doors keep their ports, so that others find them again.

import { once } from 'node:events';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../../infra/local/free-ports.js';
import { withAdmin } from '../../../infra/topics/admin.js';
import type { TopicName } from '../../../topics/topics.js';
import { killText, type Kill } from '../../runtime/seams.js';
import { agentPrincipals } from '../../up/agent-principals.js';
import { Cluster, type RunningService, type Service } from '../cluster.js';
import { startOpenAiServer, type OpenAiServer } from '../openai-server.js';
import { agents, workflows } from './canonical-job.js';
import { partitions, renewAfterRecords, snapshotEveryRecords } from './settings.js';

/** Shortest that a broker takes by default: how long the partitions of a killed member stay where they are. */
const sessionTimeoutMs = 6_000;
/** In the order of a start. */
export const services: readonly Service[] = ['gateway', 'orchestrator', 'projector', 'snapshots', 'ingress', 'agents', 'bridge'];

export interface KafkaWorld {
  readonly cluster: Cluster;
  readonly seats: ReadonlyMap<Service, Seat>;
  readonly ingressUrl: string;
  /** A line per run of an agent. */
  readonly runsFile: string;
  /** Appends a record of the foreign topic: it becomes a job. */
  sendForeign(id: string): Promise<void>;
  close(): Promise<void>;
}

export async function openKafkaWorld(): Promise<KafkaWorld> {
  const principals = agentPrincipals(agents());
  const cluster = await Cluster.open({ name: 'crash-sweep', partitions, sessionTimeoutMs, principals: Object.keys(principals) });
  const model = await startOpenAiServer(() => ({ kind: 'answer', content: '{"said":"yes"}' }));
  const source = `${cluster.prefix}foreign` as TopicName;
  await withAdmin({ brokers: [cluster.env['KAFKA_BROKERS'] ?? ''], clientId: 'crash-sweep' }, (admin) => admin.createTopics({ waitForLeaders: true, topics: [{ topic: source, numPartitions: 1, replicationFactor: 1 }] }));
  const runsFile = join(cluster.folder, 'runs.txt');
  const [gatewayPort, ingressPort] = await freePorts(2) as [number, number];
  const envs = environments({ cluster, model, principals, source, gatewayPort, ingressPort, runsFile });
  return {
    cluster, runsFile, ingressUrl: `http://127.0.0.1:${ingressPort}`,
    seats: new Map(services.map((service) => [service, new Seat(cluster, service, envs[service] ?? {})])),
    sendForeign: async (id) => { await cluster.log.append({ topic: source, partition: 0, records: [{ key: Buffer.from(id), value: Buffer.from(JSON.stringify({ id })) }] }); },
    close: async () => {
      await cluster.close();
      await model.close();
    },
  };
}

interface Told {
  readonly cluster: Cluster;
  readonly model: OpenAiServer;
  readonly principals: ReturnType<typeof agentPrincipals>;
  readonly source: string;
  readonly gatewayPort: number;
  readonly ingressPort: number;
  readonly runsFile: string;
}

function environments({ cluster, model, principals, source, gatewayPort, ingressPort, runsFile }: Told): Partial<Record<Service, Readonly<Record<string, string>>>> {
  const principalsFile = join(cluster.folder, 'principals.json');
  writeFileSync(principalsFile, JSON.stringify(principals));
  const workflowsDir = join(cluster.folder, 'workflows');
  mkdirSync(workflowsDir);
  for (const workflow of workflows) writeFileSync(join(workflowsDir, `${workflow.name}.json`), JSON.stringify(workflow));
  const mapFile = join(cluster.folder, 'map.json');
  writeFileSync(mapFile, JSON.stringify({ name: 'sweep', source: { topic: source, format: 'json' }, tenant: 'acme', workflow: 'sweep', params: {}, idempotencyKey: { from: '/id' } }));
  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
  return {
    gateway: { GATEWAY_PORT: String(gatewayPort), MODEL_PRIMARY: 'sweep', OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'none' },
    orchestrator: { BLACKBOARD_PRINCIPALS: principalsFile, BLACKBOARD_WORKFLOWS: workflowsDir, ORCHESTRATOR_RENEW_AFTER: String(renewAfterRecords) },
    snapshots: { SNAPSHOT_EVERY_RECORDS: String(snapshotEveryRecords) },
    ingress: { INGRESS_PORT: String(ingressPort), GATEWAY_URL: gatewayUrl },
    agents: {
      AGENTS: agents().map(({ name }) => name).join(','), AGENT_MODULES: fileURLToPath(new URL('canonical-job.js', import.meta.url)), GATEWAY_URL: gatewayUrl, CRASH_SWEEP_RUNS: runsFile,
    },
    bridge: { BRIDGE_MAP: mapFile },
  };
}

export class Seat {
  #running: RunningService | null = null;

  constructor(private readonly cluster: Cluster, readonly service: Service, private readonly env: Readonly<Record<string, string>>) {}

  /** Starts it unharmed, where nothing runs. */
  async start(): Promise<void> {
    if (this.#running !== null) return;
    this.#running = await this.cluster.start(this.service, this.env);
  }

  /** Ends what runs as an operator does, and starts what will die; how long that lived, or null when it did not die within the patience. */
  async killAt(kill: Kill, patienceMs: number): Promise<number | null> {
    await this.stop();
    const startedMs = performance.now();
    const before = this.cluster.processes.length;
    // It may die before it says that it runs.
    const starting = this.cluster.start(this.service, { ...this.env, BLACKBOARD_KILL_AT: killText(kill) }).catch(() => null);
    const running = this.cluster.processes.slice(before).find(({ service }) => service === this.service) as RunningService;
    const { child, logFile } = running;
    const cancel = new AbortController();
    const exited = child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, 'exit');
    const isDead = await Promise.race([exited.then(() => true), sleep(patienceMs, false, { signal: cancel.signal }).catch(() => true)]);
    cancel.abort();
    if (!isDead) child.kill('SIGKILL');
    await exited;
    const diedAfterMs = performance.now() - startedMs;
    await starting;
    if (child.signalCode !== 'SIGKILL') throw new Error(`${this.service} ended by itself (${child.exitCode}): ${readFileSync(logFile, 'utf8').slice(-1_500)}`);
    return isDead ? diedAfterMs : null;
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null || running.child.exitCode !== null || running.child.signalCode !== null) return;
    running.child.kill('SIGTERM');
    await once(running.child, 'exit');
  }

  /** What ended although nobody ended it. */
  get fallen(): string | null {
    const child = this.#running?.child;
    return child === undefined || (child.exitCode === null && child.signalCode === null) ? null : `${this.service} ended by itself (${child.exitCode ?? child.signalCode}): ${readFileSync(this.#running?.logFile ?? '', 'utf8').slice(-1_500)}`;
  }
}
