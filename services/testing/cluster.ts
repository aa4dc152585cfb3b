// Every service as an operating system process of its own, on a real broker, registry and Postgres: for end-to-end
// tests and chaos. Each process gets the keys that it needs and no others, and its log is kept to be looked at.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { sharedBroker, sharedPostgres, sharedRegistry } from '../../infra/local/for-tests.js';
import type { StackAddresses } from '../../infra/local/stack.js';
import { migrate } from '../../infra/sql/migrate.js';
import { applyTopics } from '../../infra/topics/apply.js';
import { topicNames, type TopicNames } from '../../topics/topics.js';
import { shippedPrincipals } from '../../workflows/policy.js';
import { snapshotPrincipal } from '../runtime/snapshot-store.js';
import { registryCodec } from '../runtime/codec/registry-codec.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { SigningKey } from '../runtime/keyring.js';
import { keysText, makeKeys } from '../runtime/keys.js';
import type { KafkaSasl } from '../runtime/log/kafka/kafka-client.js';
import { kafkaLog } from '../runtime/log/kafka/kafka-log.js';
import type { LogPort } from '../runtime/log/port.js';
import type { ListeningDatabase } from '../runtime/postgres/listening-database.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { projectRoot } from '../runtime/project-root.js';
import { makeDatabase } from './make-database.js';

export type Service = 'orchestrator' | 'gateway' | 'projector' | 'snapshots' | 'ingress' | 'agents' | 'bridge';

export interface ClusterOptions {
  /** Names topics, database and groups; a run of its own each time. */
  readonly name: string;
  readonly partitions?: number;
  readonly sessionTimeoutMs?: number;
  /** Servers that the caller owns; those that are absent are shared or started here. */
  readonly servers?: StackAddresses;
  /** An administrator of the caller's broker, where that asks; each service is then started with a login of its own. */
  readonly sasl?: KafkaSasl;
  /** Principals that get a key, besides those that ship. */
  readonly principals?: readonly string[];
}

export interface RunningService {
  readonly service: Service;
  readonly agents: string;
  readonly child: ChildProcess;
  readonly logFile: string;
}

interface Parts {
  readonly prefix: string;
  readonly partitions: number;
  readonly env: Readonly<Record<string, string>>;
  readonly keys: readonly SigningKey[];
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly db: ListeningDatabase;
  readonly folder: string;
  readonly release: () => Promise<void>;
}

export class Cluster {
  readonly topics: TopicNames;
  readonly processes: RunningService[] = [];
  #started = 0;

  readonly prefix: string;
  readonly partitions: number;
  readonly env: Readonly<Record<string, string>>;
  readonly keys: readonly SigningKey[];
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly db: ListeningDatabase;
  /** Key files and logs of the processes. */
  readonly folder: string;

  private constructor(private readonly parts: Parts) {
    ({ prefix: this.prefix, partitions: this.partitions, env: this.env, keys: this.keys, log: this.log, codec: this.codec, db: this.db, folder: this.folder } = parts);
    this.topics = topicNames(parts.prefix);
  }

  /** Starts (or finds) the servers, makes topics, schemas and tables. No service runs yet. */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const { bootstrap, registryUrl, postgresUrl } = options.servers ?? {};
    const [broker, registry, postgres] = await Promise.all([
      bootstrap === undefined ? sharedBroker() : { bootstrap, release: owned },
      registryUrl === undefined ? sharedRegistry() : { registryUrl, release: owned },
      postgresUrl === undefined ? sharedPostgres() : { postgresUrl, release: owned },
    ]);
    const id = `${options.name}-${process.pid}-${Date.now() % 1_000_000}`;
    const prefix = `${id}.`;
    const partitions = options.partitions ?? 4;
    const connection = { brokers: [broker.bootstrap], clientId: `test-${id}`, ...(options.sasl === undefined ? {} : { sasl: options.sasl }) };
    await applyTopics(connection, { prefix, partitions, replication: 1, profile: 'local' });
    const databaseUrl = await makeDatabase(postgres.postgresUrl, id.replaceAll('-', '_'));
    const db = openPgDatabase({ connectionString: databaseUrl });
    await migrate(db);
    const { codec } = await registryCodec({ url: registry.registryUrl, schemasDir: join(projectRoot, 'schemas'), topicPrefix: prefix });
    const env = {
      KAFKA_BROKERS: broker.bootstrap, SCHEMA_REGISTRY_URL: registry.registryUrl, BLACKBOARD_TOPIC_PREFIX: prefix, BLACKBOARD_PARTITIONS: String(partitions),
      KAFKA_SESSION_TIMEOUT_MS: String(options.sessionTimeoutMs ?? 6_000), BLACKBOARD_LOG_LEVEL: 'debug',
    };
    const folder = mkdtempSync(join(tmpdir(), 'blackboard-cluster-'));
    const log = kafkaLog(connection);
    return new Cluster({
      prefix, partitions, env: { ...env, DATABASE_URL: databaseUrl }, keys: makeKeys([...Object.keys(shippedPrincipals), snapshotPrincipal, ...(options.principals ?? [])], 'k1'), log, codec, db, folder,
      release: async () => {
        await log.close();
        await db.close();
        await Promise.all([broker.release(), registry.release(), postgres.release()]);
      },
    });
  }

  /** Starts a service; resolves when its log says that it runs. */
  async start(service: Service, over: Readonly<Record<string, string>> = {}): Promise<RunningService> {
    const agents = over['AGENTS'] ?? '';
    const keys = this.keysFor(service, agents);
    const keyFile = join(this.folder, `${service}-${agents.replaceAll(',', '+')}-${(this.#started += 1)}.keys.json`);
    writeFileSync(keyFile, keysText(keys), { mode: 0o600 });
    const logFile = keyFile.replace('.keys.json', '.log');
    const { DATABASE_URL: databaseUrl, ...shared } = this.env;
    const env = { PATH: process.env['PATH'] ?? '', ...shared, ...(service === 'agents' ? {} : { DATABASE_URL: databaseUrl ?? '' }), BLACKBOARD_KEYS_FILE: keyFile, ...over };
    const logFd = openSync(logFile, 'a');
    const child = spawn(process.execPath, [fileURLToPath(new URL(`../${service}/main.js`, import.meta.url))], { env, stdio: ['ignore', 'ignore', logFd] });
    closeSync(logFd);
    const running: RunningService = { service, agents, child, logFile };
    this.processes.push(running);
    await this.#says(running, service === 'agents' ? 'agents run' : `${service} runs`);
    return running;
  }

  /** Log lines of a process, parsed. */
  lines(running: RunningService): readonly Readonly<Record<string, unknown>>[] {
    return readFileSync(running.logFile, 'utf8').split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Where a service listens, from its log. */
  urlOf(running: RunningService): string {
    const line = this.lines(running).find((entry) => typeof entry['url'] === 'string');
    if (line === undefined) throw new Error(`${running.service} says no url in ${running.logFile}`);
    return line['url'] as string;
  }

  kill(running: RunningService): void {
    running.child.kill('SIGKILL');
  }

  /** Stops all that still runs, newest first. */
  async close(): Promise<void> {
    await Promise.all(this.processes.map(async ({ child }) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      // Without a hold on this process, which would live on for the rest of it after the last child.
      await Promise.race([once(child, 'exit'), sleep(20_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
    }));
    await this.parts.release();
  }

  keysFor(service: Service, agents: string): readonly SigningKey[] {
    if (service === 'orchestrator' || service === 'gateway') return this.keys;
    const own = service === 'agents' ? agents.split(',') : [service];
    const named = this.keys.filter((key) => own.includes(key.principal));
    // A projector signs nothing; a process without any key is a mistake everywhere else.
    return named.length > 0 ? named : makeKeys([service], 'k1');
  }

  async #says(running: RunningService, text: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < 90_000; waitedMs += 50) {
      if (running.child.exitCode !== null || running.child.signalCode !== null) throw new Error(`${running.service} ended with ${running.child.exitCode ?? running.child.signalCode}: ${readFileSync(running.logFile, 'utf8').slice(-2_000)}`);
      if (this.lines(running).some((line) => line['msg'] === text)) return;
      await sleep(50);
    }
    running.child.kill('SIGKILL');
    throw new Error(`${running.service} did not say "${text}" within 90 s: ${readFileSync(running.logFile, 'utf8').slice(-2_000)}`);
  }
}

const owned = (): Promise<void> => Promise.resolve();
