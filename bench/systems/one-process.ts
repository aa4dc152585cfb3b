// node dist/bench/systems/one-process.js: this runtime with all services and the driver in one process, embedded or on
// Kafka and Postgres. BENCH_SETUP (JSON) says which: {world: "embedded"|"kafka", partitions, addresses}.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StackAddresses } from '../../infra/local/stack.js';
import { applyTopics } from '../../infra/topics/apply.js';
import { topicNames } from '../../topics/topics.js';
import { workflowSchema } from '../../services/blackboard/workflow.js';
import { Keyring } from '../../services/runtime/keyring.js';
import { parseKeys } from '../../services/runtime/keys.js';
import { createLogger } from '../../services/runtime/logger.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { makeDatabase } from '../../services/testing/make-database.js';
import { startAll, type AllOptions } from '../../services/up/start-all.js';
import { agent } from '../w3/agent.js';
import type { JobSystem } from '../w3/measure.js';
import { serve } from '../w3/serve.js';
import { TerminalFacts } from './facts.js';
import { Outcomes } from './outcomes.js';
import { idOf, submitToLog } from './submissions.js';
import { written } from './written.js';

interface Setup {
  readonly world: 'embedded' | 'kafka';
  readonly partitions: number;
  /** Process ids of the servers that it shares with others, by label. */
  readonly servers: Readonly<Record<string, number>>;
  readonly addresses: Required<StackAddresses>;
  readonly kafkaDataDir?: string;
}

const setup = { world: 'embedded', partitions: 4, servers: {}, ...JSON.parse(process.env['BENCH_SETUP'] ?? '{}') as Partial<Setup> } as Setup;
/** Names topics and database: a blackboard's holds the rows of one log. */
const id = `one-${process.pid}-${Date.now() % 1_000_000}`;
const topicPrefix = setup.world === 'embedded' ? 'bb.' : `${id}.`;

await serve(async (): Promise<JobSystem> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-one-process-'));
  const workflow = workflowSchema.parse(JSON.parse(readFileSync(join(projectRoot, 'bench/w3/workflows/w3.json'), 'utf8')));
  const { log, codec, db, close } = await startAll({ world: await worldIn(dataDir), logger: createLogger({ service: 'bench', level: 'warn' }), agents: [agent], workflows: [workflow] });
  const outcomes = await Outcomes.listen(db);
  const keyring = new Keyring(parseKeys(readFileSync(join(dataDir, 'keys.json'), 'utf8'), 'keys.json'));
  const parts = { log, codec, topics: topicNames(topicPrefix), partitions: setup.partitions, keyring };
  const facts = new TerminalFacts(parts);
  return {
    about: [setup.world === 'embedded'
      ? `blackboard, embedded mode: one process, lmdb log with fsync, PGlite, ${setup.partitions} partitions`
      : `blackboard, Kafka mode, all services and the driver in one process, ${setup.partitions} partitions`],
    processes: () => ({ driver: [process.pid], ...Object.fromEntries(Object.entries(setup.servers).map(([label, pid]) => [label, [pid]])) }),
    totals: () => written({ log, db, topics: parts.topics }, setup.kafkaDataDir),
    async runJob(name, slow) {
      await facts.rest();
      const outcome = outcomes.of(idOf(name));
      await submitToLog(parts, name, slow);
      return outcome;
    },
    async runToFact(name) {
      await facts.follow();
      const ended = facts.of(idOf(name));
      await submitToLog(parts, name);
      await ended;
    },
    async close() {
      await facts.rest();
      await close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
});

async function worldIn(dataDir: string): Promise<AllOptions['world']> {
  const { partitions, addresses } = setup;
  if (setup.world === 'embedded') return { mode: 'embedded', dataDir, partitions };
  const kafka = { brokers: [addresses.bootstrap], clientId: `bench-${process.pid}` };
  await applyTopics(kafka, { prefix: topicPrefix, partitions, replication: 1, profile: 'local' });
  return { mode: 'kafka', dataDir, partitions, kafka, registryUrl: addresses.registryUrl, databaseUrl: await makeDatabase(addresses.postgresUrl, id), topicPrefix };
}
