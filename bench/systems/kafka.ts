// node dist/bench/systems/kafka.js: this runtime in Kafka mode, each service a process of its own, as it ships.
// BENCH_SETUP (JSON) says how: {door: "log"|"http", partitions, agents: replicas, servers: {label: pid}}.

import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { StackAddresses } from '../../infra/local/stack.js';
import { Keyring } from '../../services/runtime/keyring.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { Cluster } from '../../services/testing/cluster.js';
import { flushTopics } from '../limits/flush-topics.js';
import type { JobSystem } from '../w3/measure.js';
import { serve } from '../w3/serve.js';
import { TerminalFacts } from './facts.js';
import { kafkaStages } from './kafka-stages.js';
import { Outcomes } from './outcomes.js';
import { idOf, submitOverHttp, submitToLog } from './submissions.js';
import { written } from './written.js';

interface Setup {
  readonly door: 'log' | 'http';
  readonly partitions: number;
  /** Replicas of the agent's process. */
  readonly agents: number;
  /** Process ids of the servers that this system shares with others, by label. */
  readonly servers: Readonly<Record<string, number>>;
  /** Servers of the run; absent: started (or found) here. */
  readonly addresses?: StackAddresses;
  /** The broker's data folder: what a job takes there is counted. */
  readonly kafkaDataDir?: string;
  /** Folder for a processor profile of each service. */
  readonly profiles?: string;
}

const setup: Setup = { door: 'log', partitions: 4, agents: 1, servers: {}, ...JSON.parse(process.env['BENCH_SETUP'] ?? '{}') as Partial<Setup> };

await serve(async (): Promise<JobSystem> => {
  const quiet = { BLACKBOARD_LOG_LEVEL: 'info', ...(setup.profiles === undefined ? {} : { NODE_OPTIONS: `--import ${new URL('../profile.js', import.meta.url).href}`, BENCH_PROFILES: setup.profiles }) };
  const policy = { BLACKBOARD_PRINCIPALS: join(projectRoot, 'bench/w3/principals.json'), BLACKBOARD_WORKFLOWS: join(projectRoot, 'bench/w3/workflows') };
  const cluster = await Cluster.open({ name: 'w3', partitions: setup.partitions, sessionTimeoutMs: 10_000, principals: ['w3'], ...(setup.addresses === undefined ? {} : { servers: setup.addresses }) });
  const gateway = await cluster.start('gateway', { GATEWAY_PORT: '0', ...quiet });
  const gatewayUrl = cluster.urlOf(gateway);
  const [ingress] = await Promise.all([cluster.start('ingress', { INGRESS_PORT: '0', GATEWAY_URL: gatewayUrl, ...quiet }), cluster.start('projector', quiet), cluster.start('orchestrator', { ...policy, ...quiet })]);
  await Promise.all(Array.from({ length: setup.agents }, () => cluster.start('agents', {
    AGENTS: 'w3', AGENT_MODULES: fileURLToPath(new URL('../w3/agent.js', import.meta.url)), AGENT_CONCURRENCY: '1000', GATEWAY_URL: gatewayUrl, ...quiet,
  })));
  const outcomes = await Outcomes.listen(cluster.db);
  const { log, codec, topics, partitions } = cluster;
  const upstream = { log, codec, topics, partitions, keyring: new Keyring(cluster.keys) };
  const facts = new TerminalFacts(cluster);
  let { door } = setup;
  const ingressUrl = cluster.urlOf(ingress);
  const submit = (name: string, slow = false): Promise<void> => (door === 'http' ? submitOverHttp(ingressUrl, name, slow) : submitToLog(upstream, name, slow));
  return {
    about: [`blackboard, Kafka mode, ${cluster.processes.length} processes, ${setup.partitions} partitions, submitted ${setup.door === 'http' ? 'over HTTP' : 'straight to quarantine'}`],
    processes: () => ({ driver: [process.pid], ...Object.fromEntries(Object.entries(setup.servers).map(([label, pid]) => [label, [pid]])), ...pidsOf(cluster) }),
    modes: {
      http: (isOn) => {
        door = isOn ? 'http' : setup.door;
        return Promise.resolve();
      },
      flushed: (isOn) => flushTopics((cluster.env['KAFKA_BROKERS'] ?? '').split(','), [topics.quarantine, topics.verified], isOn),
    },
    lagsMs: outcomes.lagsMs, stages: kafkaStages(cluster), totals: () => written(cluster, setup.kafkaDataDir),
    async runJob(name, slow) {
      await facts.rest();
      const outcome = outcomes.of(idOf(name));
      // An answer may outrun the acknowledgement; a refused submission must not wait for one for ever.
      await submit(name, slow);
      return outcome;
    },
    async runToFact(name) {
      await facts.follow();
      const ended = facts.of(idOf(name));
      await submit(name);
      await ended;
    },
    async close() {
      await facts.rest();
      await cluster.close();
    },
  };
});

function pidsOf(cluster: Cluster): Readonly<Record<string, readonly number[]>> {
  const byService = new Map<string, number[]>();
  for (const { service, child } of cluster.processes) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
    byService.set(service, [...byService.get(service) ?? [], child.pid]);
  }
  return Object.fromEntries(byService);
}
