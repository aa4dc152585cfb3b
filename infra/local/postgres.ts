// A real Postgres on 127.0.0.1 with fsync on. Postgres refuses to run as root, so as root it runs as another user.
// Data survives an immediate stop and restart(); a scratch folder goes with stop('fast'). It cannot outlive us.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { BlackboardError } from '../../services/runtime/errors.js';
import { freePorts } from './free-ports.js';
import { startLeashed, tailOf, type LeashedProcess } from './leashed-process.js';
import { findPostgres } from './needs.js';
import { pollUntil } from './poll-until.js';
import { serverFolder, type ServerFolder } from './server-folder.js';

export interface PostgresOptions {
  /** Kept after stop(), and continued when it holds data. A scratch folder otherwise. */
  readonly dir?: string;
  readonly port?: number;
}

export interface LocalPostgres {
  /** `postgres://postgres@127.0.0.1:port/postgres`; the loopback is trusted, there is no password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
  /** `fast` ends well and removes a scratch folder; `immediate` is a crash, after which restart() recovers. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Ends what still runs (fast) and starts again: same folder, same port. */
  restart(): Promise<void>;
  /** Creates the database when it is not there, and gives its URL. */
  createDatabase(name: string): Promise<string>;
  logTail(): string;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const readyMs = 60_000;
const stopGraceMs = 20_000;
const triesMax = 3;
const socketFolderBytesMax = 80; // a socket's path has 107 bytes

/** Resolves when a query is answered. Throws DATABASE_UNAVAILABLE, saying what is missing and how to get it. */
export async function startPostgres(options: PostgresOptions = {}): Promise<LocalPostgres> {
  const { ok, hint, path } = await findPostgres();
  if (!ok || path === undefined) throw unavailable(`the server's programs (initdb, postgres) are not here: ${hint}`);
  const runAs = process.getuid?.() === 0 ? otherAccount() : undefined;
  const folder = serverFolder('postgres', { dir: options.dir, owner: runAs });
  try {
    await initialise(path, folder.dir, runAs);
    return await launch({ bin: path, folder, runAs }, options.port);
  } catch (error) {
    folder.discard();
    throw error;
  }
}

/** The account that Postgres packages make, else nobody. */
function otherAccount(): Account {
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'));
  const found = accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  if (found === undefined) throw unavailable('we are root, as whom Postgres does not run, and there is no account "postgres" or "nobody" to run it as: run as another user');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

async function initialise(bin: string, dir: string, runAs: Account | undefined): Promise<void> {
  if (existsSync(join(dir, 'data', 'PG_VERSION'))) return;
  const args = ['-D', join(dir, 'data'), '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C'];
  await new Promise<void>((resolve, reject) => {
    execFile(join(bin, 'initdb'), args, { cwd: '/', ...runAs }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else reject(unavailable(`initdb failed in ${dir} (an account other than root must be able to reach it):\n${`${stdout}${stderr}`.slice(-2_000)}`, error));
    });
  });
}

interface Place {
  readonly bin: string;
  readonly folder: ServerFolder;
  readonly runAs: Account | undefined;
}

async function launch(place: Place, fixedPort: number | undefined): Promise<LocalPostgres> {
  for (let tries = 1; ; tries++) {
    const port = fixedPort ?? ((await freePorts(1))[0] as number);
    try {
      return localPostgres(place, port, await startServer(place, port));
    } catch (error) {
      const lostPort = fixedPort === undefined && String(error).includes('Address already in use');
      if (!lostPort || tries >= triesMax) throw error;
    }
  }
}

function localPostgres(place: Place, port: number, first: LeashedProcess): LocalPostgres {
  let running = first;
  return {
    url: urlOf(port, 'postgres'),
    port,
    dir: place.folder.dir,
    get pid() {
      return running.pid;
    },
    stop: async (mode) => {
      await running.end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT', stopGraceMs);
      if (mode === 'fast') place.folder.discard();
    },
    restart: async () => {
      await running.end('SIGINT', stopGraceMs);
      running = await startServer(place, port);
    },
    createDatabase: (name) => createDatabase(port, name),
    logTail: () => tailOf(logOf(place)),
  };
}

async function startServer(place: Place, port: number): Promise<LeashedProcess> {
  const { bin, folder, runAs } = place;
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: Buffer.byteLength(folder.dir) <= socketFolderBytesMax ? folder.dir : '',
    fsync: 'on',
    max_connections: '200',
    shared_buffers: '128MB',
  };
  const process = await startLeashed({
    command: join(bin, 'postgres'),
    args: ['-D', join(folder.dir, 'data'), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    logFile: logOf(place),
    orphanSignal: 'QUIT',
    ...(folder.scratchDir === undefined ? {} : { scratchDir: folder.scratchDir }),
    ...(runAs === undefined ? {} : { runAs }),
  });
  const giveUpIf = (): void => {
    const ending = process.ending();
    if (ending !== undefined) throw unavailable(`the server ${ending} before it answered. The end of its log:\n${tailOf(logOf(place))}`);
  };
  try {
    await pollUntil(() => query(port, 'SELECT 1'), { deadlineMs: readyMs, giveUpIf });
  } catch (error) {
    await process.end('SIGQUIT', stopGraceMs);
    throw error;
  }
  return process;
}

async function createDatabase(port: number, name: string): Promise<string> {
  try {
    await query(port, `CREATE DATABASE "${name.replaceAll('"', '""')}"`);
  } catch (error) {
    const duplicateDatabase = '42P04';
    if ((error as { code?: string }).code !== duplicateDatabase) throw error;
  }
  return urlOf(port, name);
}

async function query(port: number, sql: string): Promise<void> {
  const client = new Client({ connectionString: urlOf(port, 'postgres') });
  client.on('error', () => undefined); // a server that goes away while we close
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function urlOf(port: number, database: string): string {
  return `postgres://postgres@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

function logOf({ folder }: Place): string {
  return join(folder.dir, 'postgres.log');
}

function unavailable(what: string, cause?: unknown): BlackboardError {
  return new BlackboardError('DATABASE_UNAVAILABLE', `no local Postgres: ${what}`, {}, { cause });
}
