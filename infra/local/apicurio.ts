// A real schema registry (Apicurio) on 127.0.0.1, without Docker, its schemas in a file beside the broker's data:
// bytes on the log name a schema by its number, so the numbers must survive a restart.
import { join } from 'node:path';
import { BlackboardError } from '../../services/runtime/errors.js';
import { fetchApicurio, type Say } from './fetch.js';
import { freePorts } from './free-ports.js';
import { javaFlags, javaProgram } from './java-server.js';
import { startLeashed, tailOf, type LeashedProcess } from './leashed-process.js';
import { pollUntil } from './poll-until.js';
import { serverFolder } from './server-folder.js';

export interface RegistryOptions {
  /** Kept after stop(). A scratch folder otherwise. */
  readonly dir?: string;
  readonly port?: number;
  readonly say?: Say;
}

export interface LocalRegistry {
  /** What a Confluent client takes as its host: `http://127.0.0.1:port/apis/ccompat/v7` */
  readonly url: string;
  readonly pid: number;
  readonly dir: string;
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
  /** Kills what still runs and starts again on the same port with the same schemas. */
  restart(): Promise<void>;
  logTail(): string;
}

const readyMs = 90_000;
const stopGraceMs = 10_000;
const triesMax = 3;

/** Resolves when the registry answers and its global compatibility is FULL_TRANSITIVE. Throws REGISTRY_UNAVAILABLE. */
export async function startRegistry(options: RegistryOptions = {}): Promise<LocalRegistry> {
  const java = await javaProgram();
  const jar = await fetchApicurio(options.say === undefined ? {} : { say: options.say });
  const folder = serverFolder('registry', { dir: options.dir });
  for (let tries = 1; ; tries++) {
    const port = options.port ?? ((await freePorts(1))[0] as number);
    try {
      return await launch({ java, jar, port, folder });
    } catch (error) {
      const lostPort = options.port === undefined && /already in use|already bound/i.test(String(error));
      if (lostPort && tries < triesMax) continue;
      folder.discard();
      throw error;
    }
  }
}

interface Launch {
  readonly java: string;
  readonly jar: string;
  readonly port: number;
  readonly folder: ReturnType<typeof serverFolder>;
}

async function launch({ java, jar, port, folder }: Launch): Promise<LocalRegistry> {
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const logFile = join(folder.dir, 'registry.log');
  const logTail = (): string => tailOf(logFile);
  const start = async (): Promise<LeashedProcess> => {
    const process = await startLeashed({
      command: java,
      args: [...javaFlags({ heapMb: 512 }), '-jar', jar],
      env: settings(port, folder.dir),
      logFile,
      orphanSignal: 'KILL',
      ...(folder.scratchDir === undefined ? {} : { scratchDir: folder.scratchDir }),
    });
    try {
      await whenAnswering(url, () => giveUpIfEnded(process, logTail));
    } catch (error) {
      process.signal('SIGKILL');
      throw error;
    }
    return process;
  };
  let running = await start();
  return {
    url,
    dir: folder.dir,
    get pid() {
      return running.pid;
    },
    stop: async () => {
      await running.end('SIGTERM', stopGraceMs);
      folder.discard();
    },
    kill: () => running.signal('SIGKILL'),
    restart: async () => {
      await running.end('SIGKILL', stopGraceMs);
      running = await start();
    },
    logTail,
  };
}

function settings(port: number, dir: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    QUARKUS_HTTP_HOST: '127.0.0.1',
    QUARKUS_HTTP_PORT: String(port),
    QUARKUS_LOG_LEVEL: 'WARN',
    APICURIO_STORAGE_KIND: 'sql',
    APICURIO_STORAGE_SQL_KIND: 'h2',
    // H2 keeps a commit in memory for up to 500 ms unless told otherwise: a kill would take numbers already handed out.
    APICURIO_DATASOURCE_URL: `jdbc:h2:file:${join(dir, 'schemas')};DB_CLOSE_ON_EXIT=FALSE;WRITE_DELAY=0`,
  };
}

function giveUpIfEnded(process: LeashedProcess, logTail: () => string): void {
  const ending = process.ending();
  if (ending !== undefined) {
    throw new BlackboardError('REGISTRY_UNAVAILABLE', `the local schema registry ${ending} before it answered. The end of its log:\n${logTail()}`);
  }
}

async function whenAnswering(url: string, giveUpIf: () => void): Promise<void> {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const body = JSON.stringify({ compatibility: 'FULL_TRANSITIVE' });
  await pollUntil(
    async () => {
      const answer = await fetch(`${url}/config`, { method: 'PUT', headers, body, signal: AbortSignal.timeout(5_000) });
      const said = await answer.text();
      if (!answer.ok) throw new BlackboardError('REGISTRY_UNAVAILABLE', `the schema registry at ${url} answered ${answer.status} when its compatibility was set: ${said.slice(0, 300)}`);
    },
    { deadlineMs: readyMs, everyMs: 100, giveUpIf },
  );
}
