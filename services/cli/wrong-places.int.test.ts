// What the machine refuses (a folder, a port, a disk, a pipe) is told in words, with the exit code of its kind, and
// leaves nothing behind.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, closeSync, readdirSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../runtime/project-root.js';

const build = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'blackboard-places-'));
after(() => { rmSync(folder, { recursive: true, force: true }); });

interface Ran { readonly code: number | null; readonly stdout: string; readonly stderr: string }
interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** File descriptor for stdout; default: read to the end. */
  readonly stdout?: number;
  /** Closes that pipe once it has said something (stdout), or at once (stderr). */
  readonly closes?: 'stdout' | 'stderr';
}

function blackboard(args: readonly string[], { env = {}, stdout, closes }: RunOptions = {}): Promise<Ran> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|KAFKA_|BLACKBOARD_|SCHEMA_|DATABASE_)/.test(name)));
  const child = spawn(process.execPath, [join(projectRoot, 'bin/blackboard.mjs'), ...args], { env: { ...inherited, BLACKBOARD_BUILD_DIR: build, ...env }, stdio: ['ignore', stdout ?? 'pipe', 'pipe'], timeout: 60_000 });
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    said.stdout += chunk.toString();
    if (closes === 'stdout') child.stdout?.destroy();
  });
  if (closes === 'stderr') child.stderr?.destroy();
  else child.stderr?.on('data', (chunk: Buffer) => { said.stderr += chunk.toString(); });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })));
}

function portOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

test('a folder or file that cannot be used is named, with what to do, and is no unexpected error', async () => {
  const file = join(projectRoot, 'package.json');
  const places: readonly (readonly [code: number, args: readonly string[], names: string])[] = [
    [2, ['keys', file], file], [2, ['up', '--port', '0', '--data', file], file], [2, ['demo', '--data', file], file],
    [3, ['submit', '-w', 'brief', '--history', join(folder, 'nowhere', 'history')], 'nowhere'],
  ];
  for (const [code, args, names] of places) {
    const ran = await blackboard(args);
    assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`);
    assert.ok(ran.stderr.includes(names), ran.stderr);
    assert.doesNotMatch(ran.stderr, /UNEXPECTED/);
  }
});

test('nothing is submitted when what is answered could not be noted', async () => {
  let requests = 0;
  const server = createHttpServer((_request, response) => { requests += 1; response.end('{}'); });
  const url = `http://127.0.0.1:${await portOf(server)}`;
  try {
    assert.equal((await blackboard(['submit', '-w', 'brief', '--url', url, '--history', join(folder, 'nowhere', 'history')])).code, 3);
    assert.equal(requests, 0);
  } finally {
    server.close();
  }
});

test('a submission that was refused is told as that, also when it could not be noted', async () => {
  const place = mkdtempSync(join(folder, 'history-'));
  const server = createHttpServer((_request, response) => {
    rmSync(place, { recursive: true });
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"code":"INPUT_INVALID","message":"workflow: no such one","hint":""}');
  });
  const url = `http://127.0.0.1:${await portOf(server)}`;
  try {
    const { code, stderr } = await blackboard(['submit', '-w', 'brief', '--url', url, '--history', join(place, 'history')]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /could not be noted in the history file \(ENOENT[^]*workflow: no such one/);
  } finally {
    server.close();
  }
});

test('a port that is taken is named, and nothing keeps running', async () => {
  const server = createServer();
  const port = await portOf(server);
  try {
    const { code, stderr } = await blackboard(['up', '--port', String(port), '--data', join(folder, 'taken')]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port} cannot be bound: another process has it`));
  } finally {
    server.close();
  }
});

test('nothing is started where the disk has no room', { skip: existsSync('/proc/self') ? false : 'no file system without room here' }, async () => {
  const { code, stderr } = await blackboard(['up', '--port', '0', '--data', '/proc/blackboard']);
  assert.equal(code, 1);
  assert.match(stderr, /DISK_FULL: the disk of \/proc\/blackboard has 0 MiB left.*; nothing was started/);
});

test('output that does not fit on its disk is one line and a failure, without a stack', { skip: existsSync('/dev/full') ? false : 'no /dev/full here' }, async () => {
  const full = openSync('/dev/full', 'w');
  try {
    const { code, stderr } = await blackboard(['topics', 'draw'], { stdout: full });
    assert.equal(code, 1);
    assert.match(stderr, /^blackboard: stdout cannot be written \(ENOSPC\).*\n$/);
  } finally {
    closeSync(full);
  }
});

test('a reader of stderr that goes away changes no exit code', async () => {
  assert.equal((await blackboard(['status', 'xyz'], { closes: 'stderr' })).code, 2);
});

test('a demo whose reader goes away, as head does, ends with 0 and puts its folder away', async () => {
  const temporary = mkdtempSync(join(folder, 'tmp-'));
  const { code, stdout } = await blackboard(['demo'], { closes: 'stdout', env: { TMPDIR: temporary } });
  assert.equal(code, 0);
  assert.match(stdout, /^blackboard demo/);
  assert.deepEqual(readdirSync(temporary), []);
});
