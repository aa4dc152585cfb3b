// One real Apache Kafka on 127.0.0.1, without Docker. Data survives kill() and restart(); a scratch folder goes with
// stop(), the caller's `dir` stays, with its ports and credentials in broker.json. The broker cannot outlive us.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlackboardError } from '../../services/runtime/errors.js';
import { brokerProperties, type BrokerPorts, type BrokerUser } from './broker-properties.js';
import { whenBrokerAnswers } from './broker-ready.js';
import { fetchKafka, kafkaVersionWanted, type Say } from './fetch.js';
import { freePorts, isFree } from './free-ports.js';
import { javaFlags, javaProgram } from './java-server.js';
import { startLeashed, tailOf, type LeashedProcess } from './leashed-process.js';
import { serverFolder, type ServerFolder } from './server-folder.js';

export type { BrokerPorts, BrokerUser } from './broker-properties.js';

export interface BrokerOptions {
  /** Kept after stop(), and continued when it holds a broker's data. A scratch folder otherwise. */
  readonly dir?: string;
  readonly ports?: BrokerPorts;
  readonly version?: string;
  readonly security: 'none' | 'scram';
  /** SCRAM-SHA-256 users without any rights. One named `admin` is the super user; otherwise admin gets a random password. */
  readonly users?: readonly BrokerUser[];
  readonly numPartitions?: number;
  readonly extraProperties?: Readonly<Record<string, string>>;
  readonly flushEveryMessage?: boolean;
  /** Leaves Java's optimising compiler on: for benchmarks. */
  readonly fullSpeed?: boolean;
  readonly say?: Say;
}

export interface LocalBroker {
  /** `127.0.0.1:port` */
  readonly bootstrap: string;
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
  /** The super user of a broker with SCRAM. */
  readonly admin?: BrokerUser;
  /** Ends it well, and removes a scratch folder. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
  /** Kills what still runs and starts again: same folder, same ports, data kept. */
  restart(): Promise<void>;
  logTail(): string;
}

/** What a folder remembers of its broker, so that it can be continued. */
interface Remembered {
  readonly version: string;
  readonly security: 'none' | 'scram';
  readonly ports: BrokerPorts;
  readonly users: readonly BrokerUser[];
  readonly internal: BrokerUser;
}

const stopGraceMs = 15_000;
const readyMs = 60_000;
const triesMax = 3;

/** Resolves when metadata and a group call are answered. Throws KAFKA_UNAVAILABLE with the end of the broker's log. */
export async function startBroker(options: BrokerOptions): Promise<LocalBroker> {
  const java = await javaProgram();
  const jars = await fetchKafka({ version: options.version ?? kafkaVersionWanted(), ...(options.say === undefined ? {} : { say: options.say }) });
  const folder = serverFolder('kafka', { dir: options.dir });
  for (let tries = 1; ; tries++) {
    const remembered = await recall(folder.dir, options);
    const broker = new JavaBroker({ java, jars, folder, options, remembered });
    try {
      await broker.format();
      await broker.start();
      return broker;
    } catch (error) {
      broker.kill();
      // Between choosing a port and binding it, somebody else may have taken it.
      const lostPort = options.ports === undefined && broker.logTail().includes('Address already in use');
      if (lostPort && tries < triesMax) continue;
      folder.discard();
      throw error;
    }
  }
}

async function recall(dir: string, options: BrokerOptions): Promise<Remembered> {
  const file = join(dir, 'broker.json');
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Remembered) : undefined;
  if (before !== undefined && before.security !== options.security) {
    throw new BlackboardError('CONFIG_INVALID', `the broker in ${dir} was made with security "${before.security}" and cannot be continued with "${options.security}": use another folder`);
  }
  const unknown = (options.users ?? []).filter(({ name, password }) => before !== undefined && !before.users.some((user) => user.name === name && user.password === password));
  if (unknown.length > 0) {
    throw new BlackboardError('CONFIG_INVALID', `the broker in ${dir} was made without the users ${unknown.map(({ name }) => name).join(', ')} (or with other passwords): use another folder`);
  }
  const remembered: Remembered = {
    version: options.version ?? kafkaVersionWanted(),
    security: options.security,
    ports: await choosePorts(options.ports ?? before?.ports, options.ports !== undefined),
    users: before?.users ?? usersOf(options),
    internal: before?.internal ?? { name: 'internal', password: randomBytes(18).toString('hex') },
  };
  writeFileSync(file, JSON.stringify(remembered), { mode: 0o600 });
  return remembered;
}

function usersOf({ security, users = [] }: BrokerOptions): readonly BrokerUser[] {
  if (security === 'none') return [];
  return users.some(({ name }) => name === 'admin') ? users : [{ name: 'admin', password: randomBytes(18).toString('hex') }, ...users];
}

async function choosePorts(wanted: BrokerPorts | undefined, fixed: boolean): Promise<BrokerPorts> {
  if (wanted !== undefined) {
    if (fixed || (await Promise.all(Object.values(wanted).map((port) => isFree(port as number)))).every(Boolean)) return wanted;
  }
  const [client, internal, controller] = (await freePorts(3)) as [number, number, number];
  return { client, internal, controller };
}

interface Made {
  readonly java: string;
  readonly jars: string;
  readonly folder: ServerFolder;
  readonly options: BrokerOptions;
  readonly remembered: Remembered;
}

class JavaBroker implements LocalBroker {
  readonly bootstrap: string;
  readonly port: number;
  readonly dir: string;
  readonly admin?: BrokerUser;
  readonly #made: Made;
  readonly #properties: string;
  readonly #log: string;
  #process: LeashedProcess | undefined;

  constructor(made: Made) {
    this.#made = made;
    this.dir = made.folder.dir;
    this.port = made.remembered.ports.client;
    this.bootstrap = `127.0.0.1:${this.port}`;
    this.#properties = join(this.dir, 'server.properties');
    this.#log = join(this.dir, 'broker.log');
    const admin = made.remembered.users.find(({ name }) => name === 'admin');
    if (admin !== undefined) this.admin = admin;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Writes server.properties, and formats a data folder that is not formatted. */
  async format(): Promise<void> {
    const { java, jars, options, remembered } = this.#made;
    const dataDir = join(this.dir, 'data');
    mkdirSync(dataDir, { recursive: true });
    const properties = brokerProperties({
      dataDir,
      ports: remembered.ports,
      numPartitions: options.numPartitions ?? 4,
      flushEveryMessage: options.flushEveryMessage ?? false,
      extraProperties: options.extraProperties ?? {},
      ...(remembered.security === 'scram' ? { scram: { superUser: 'admin', internal: remembered.internal } } : {}),
    });
    writeFileSync(this.#properties, properties, { mode: 0o600 });
    if (existsSync(join(dataDir, 'meta.properties'))) return;
    const users = remembered.users.flatMap(({ name, password }) => ['--add-scram', `SCRAM-SHA-256=[name=${name},password=${password}]`]);
    const id = randomBytes(16).toString('base64url').replace(/^-/, 'A'); // a leading dash would be read as an option
    const args = [...javaFlags({ heapMb: 256 }), '-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', this.#properties, ...users];
    await new Promise<void>((resolve, reject) => {
      execFile(java, args, (error, stdout, stderr) => (error === null ? resolve() : reject(unavailable('formatting its folder failed', stdout + stderr, error))));
    });
  }

  async start(): Promise<void> {
    const { java, jars, folder, options } = this.#made;
    const flags = javaFlags({ heapMb: 512, fullSpeed: options.fullSpeed ?? false });
    const process = await startLeashed({
      command: java,
      args: [...flags, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', `${jars}/*`, 'kafka.Kafka', this.#properties],
      logFile: this.#log,
      orphanSignal: 'KILL',
      ...(folder.scratchDir === undefined ? {} : { scratchDir: folder.scratchDir }),
    });
    this.#process = process;
    const giveUpIf = (): void => {
      const ending = process.ending();
      if (ending !== undefined) throw unavailable(`it ${ending} before it answered`, this.logTail());
    };
    await whenBrokerAnswers({ bootstrap: this.bootstrap, port: this.port, admin: this.admin }, { deadlineMs: readyMs, giveUpIf });
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM', stopGraceMs);
    this.#made.folder.discard();
  }

  kill(): void {
    this.#process?.signal('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.#process?.end('SIGKILL', stopGraceMs);
    await this.start();
  }

  logTail(): string {
    return tailOf(this.#log);
  }
}

function unavailable(what: string, log: string, cause?: unknown): BlackboardError {
  return new BlackboardError('KAFKA_UNAVAILABLE', `the local broker did not start: ${what}. The end of its log:\n${log.slice(-3_000)}`, {}, { cause });
}
