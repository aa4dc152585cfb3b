// A real Postgres server for tests, with fsync on: started in a folder of its own, killed hard and started again.

import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePorts } from '../../../infra/local/free-ports.js';
import { findPostgres } from '../../../infra/local/needs.js';
import { pollUntil } from '../../../infra/local/poll-until.js';

export interface TestServer {
  /** Makes an empty database; answers its URL. */
  createDatabase(name: string): Promise<string>;
  /** Ends at once, as by a crash: connections break, the next start recovers from the log. */
  stopImmediately(): Promise<void>;
  start(): Promise<void>;
  /** Stops and removes everything. */
  end(): Promise<void>;
}

/** Null where no server program is installed. */
export async function startTestServer(): Promise<TestServer | null> {
  const need = await findPostgres();
  if (!need.ok || need.path === undefined) return null;
  const programs = need.path;
  const folder = mkdtempSync(join(tmpdir(), 'blackboard-postgres-'));
  const owner = ownerOf();
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  await promisify(execFile)(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], { cwd: '/', ...owner });
  const [port = 0] = await freePorts(1);
  const url = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  let server: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    server = spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-c', 'shared_buffers=128MB'], { cwd: '/', stdio: 'ignore', ...owner });
    await pollUntil(() => ask(url('postgres'), 'SELECT 1'), { deadlineMs: 20_000 });
  };
  const stopImmediately = async (): Promise<void> => {
    const running = server;
    server = null;
    if (running === null || running.exitCode !== null) return;
    running.kill('SIGQUIT');
    await once(running, 'exit');
  };
  await start();
  return {
    start, stopImmediately,
    createDatabase: async (name) => {
      await ask(url('postgres'), `CREATE DATABASE ${pg.escapeIdentifier(name)}`);
      return url(name);
    },
    end: async () => {
      await stopImmediately();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ask(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** The server refuses to run as root: then it runs as the user that its package made. */
function ownerOf(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const number = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: number('-u'), gid: number('-g') };
}
