// Runs the command as a process of its own: what it prints, where, and the code that it leaves with.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseKeys } from '../runtime/keys.js';
import { projectRoot } from '../runtime/project-root.js';
import { buildProgram } from './program.js';
import type { Command } from 'commander';

const build = fileURLToPath(new URL('../..', import.meta.url));
/** A port that was free a moment ago: nobody answers there. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Nobody answers there, and no test that runs beside this one is given that port. */
const nowhere = 'http://127.0.0.1:2';

interface Ran { readonly code: number; readonly stdout: string; readonly stderr: string }

function blackboard(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|KAFKA_|BLACKBOARD_|SCHEMA_|DATABASE_)/.test(name)));
    const child = execFile(process.execPath, [join(projectRoot, 'bin/blackboard.mjs'), ...args], { env: { ...inherited, BLACKBOARD_BUILD_DIR: build, BLACKBOARD_URL: nowhere, ...env }, timeout: 60_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }));
  });
}

function leaves(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return command.commands.length === 0 ? [path] : command.commands.flatMap((sub) => leaves(sub, [...path, sub.name()]));
}

const silent = { out: () => undefined, err: () => undefined, columns: 80, rows: 24, isInteractive: false, isErrInteractive: false, colors: {} as never };
const program = buildProgram({ terminal: silent, env: {}, stopped: new AbortController().signal, readStdin: async () => Buffer.alloc(0), finish: () => undefined });
const commands = leaves(program);

test('every command that the product promises is there', () => {
  const names = commands.map((path) => path.join(' '));
  const promised = ['demo', 'up', 'simulate', 'doctor', 'submit', 'status', 'result', 'list', 'cancel', 'watch', 'board', 'audit', 'replay', 'verify', 'record', 'topics apply', 'topics check', 'topics draw', 'dead-letter list', 'dead-letter show', 'dead-letter redrive', 'keys', 'credentials make', 'credentials revoke', 'orchestrator', 'gateway', 'ingress', 'projector', 'snapshots', 'agents', 'bridge', 'exit-codes'];
  assert.deepEqual(promised.filter((name) => !names.includes(name)), []);
});

for (const path of commands) {
  test(`"${path.join(' ')} --help" explains itself with an example, on stdout, and leaves with 0`, async () => {
    const { code, stdout, stderr } = await blackboard([...path, '--help']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Usage: blackboard/);
    assert.match(stdout, /Example/);
    assert.match(stdout, /^ {2}\$ .*\S/m);
    assert.equal(stderr, '');
  });
}

test('a wrong command line leaves with 2 and says on stderr what is wrong', async () => {
  for (const args of [[], ['stats'], ['submit'], ['watch'], ['watch', 'xyz'], ['list', '--limit', '0'], ['submit', '-w', 'brief', '--param', 'x'], ['replay'], ['demo', '--docs', '.']]) {
    const { code, stdout, stderr } = await blackboard(args);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.equal(stdout, '');
    assert.notEqual(stderr, '');
  }
});

test('help of a command is its own help, also below another one; of a name that is none it says so and leaves with 2', async () => {
  for (const path of [['status'], ['topics'], ['topics', 'check']]) assert.deepEqual(await blackboard(['help', ...path]), await blackboard([...path, '--help']));
  assert.equal((await blackboard(['help'])).code, 0);
  for (const [path, said] of [[['nosuch'], /unknown command 'nosuch'/], [['statu'], /unknown command 'statu'\n\(Did you mean status\?\)/], [['topics', 'nosuch'], /unknown command 'nosuch'/]] as const) {
    const { code, stdout, stderr } = await blackboard(['help', ...path]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, said);
  }
  const json = await blackboard(['help', 'nosuch', '--json']);
  assert.equal((JSON.parse(json.stdout) as { error: { message: string } }).error.message, "unknown command 'nosuch'");
});

test('with --json a failure is one JSON object on stdout, with its exit code in it', async () => {
  const { code, stdout } = await blackboard(['list', '--json']);
  assert.equal(code, 5);
  const { error } = JSON.parse(stdout) as { error: { code: string; exitCode: number; hint: string } };
  assert.deepEqual([error.code, error.exitCode], ['INGRESS_UNAVAILABLE', 5]);
  assert.match(error.hint, /blackboard up/);
  for (const args of [['list', '--json', '--limit', '0'], ['submit', '--json'], ['list', '--json', '--bogus'], ['status', 'xyz', '--json']]) {
    const wrong = await blackboard(args);
    assert.deepEqual([wrong.code, (JSON.parse(wrong.stdout) as { error: { exitCode: number } }).error.exitCode], [2, 2], args.join(' '));
  }
});

test('a submission that nobody answers leaves with 5 and tells the key to send it again with', async () => {
  const { code, stderr } = await blackboard(['submit', '-w', 'brief', '--key', 'order-4711']);
  assert.equal(code, 5);
  assert.match(stderr, /order-4711/);
});

test('a service command names every variable that is missing and leaves with 78', async () => {
  const { code, stderr } = await blackboard(['orchestrator']);
  assert.equal(code, 78);
  for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'BLACKBOARD_KEYS']) assert.match(stderr, new RegExp(name));
});

test('topics check without brokers leaves with 78; draw needs none', async () => {
  assert.equal((await blackboard(['topics', 'check'])).code, 78);
  const { code, stdout } = await blackboard(['topics', 'draw']);
  assert.equal(code, 0);
  assert.match(stdout, /^flowchart/);
});

test('key files are for their owner only, and are never written over', async () => {
  const dir = join(mkdtempSync(join(tmpdir(), 'blackboard-keys-')), 'keys');
  try {
    assert.equal((await blackboard(['keys', dir, '--principal', 'my-agent'])).code, 0);
    const all = readFileSync(join(dir, 'all.json'), 'utf8');
    assert.equal(parseKeys(all, 'all').length, readdirSync(dir).length - 1);
    for (const name of readdirSync(dir)) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
    assert.deepEqual(parseKeys(readFileSync(join(dir, 'my-agent.json'), 'utf8'), 'one').map(({ principal }) => principal), ['my-agent']);
    assert.equal((await blackboard(['keys', dir])).code, 4);
    assert.equal(readFileSync(join(dir, 'all.json'), 'utf8'), all);
  } finally {
    rmSync(join(dir, '..'), { recursive: true, force: true });
  }
});

test('doctor names what is missing, what to do, and leaves with 78; secrets of a URL are not shown', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  try {
    const { code, stdout } = await blackboard(['doctor', '--json', '--port', String(port), '--data', join(projectRoot, 'package.json')], { KAFKA_BROKERS: '127.0.0.1:9', DATABASE_URL: 'postgres://me:hidden@127.0.0.1:9/db', BLACKBOARD_KEYS_FILE: '/nowhere/keys.json' });
    assert.equal(code, 78);
    const findings = JSON.parse(stdout) as { name: string; verdict: string; hint: string }[];
    const verdicts = Object.fromEntries(findings.map(({ name, verdict }) => [name, verdict]));
    assert.equal(verdicts['node'], 'ok');
    for (const name of ['port', 'broker', 'database', 'keys', 'data folder']) assert.equal(verdicts[name], 'missing', name);
    for (const { verdict, hint } of findings) assert.equal(hint === '', verdict === 'ok');
    assert.doesNotMatch(stdout, /hidden/);
  } finally {
    taken.close();
  }
});

test('doctor tells a server that hangs from one that answers', async () => {
  const hung = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => hung.once('listening', resolve));
  const { port } = hung.address() as AddressInfo;
  try {
    const { stdout } = await blackboard(['doctor', '--json', '--port', String(await freePort())], { DATABASE_URL: `postgres://me@127.0.0.1:${port}/db`, SCHEMA_REGISTRY_URL: nowhere });
    const found = (JSON.parse(stdout) as { name: string; found: string }[]).filter(({ name }) => name === 'database' || name === 'registry').map((finding) => finding.found);
    assert.match(found[0] ?? '', /ECONNREFUSED/);
    assert.match(found[1] ?? '', /takes connections, but says nothing/);
  } finally {
    hung.close();
  }
});

test('doctor says that nothing is missing where nothing is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blackboard-doctor-'));
  try {
    const { code, stdout } = await blackboard(['doctor', '--port', String(await freePort()), '--data', folder]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /nothing is missing/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
