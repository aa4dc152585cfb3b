// What `doctor` looks at. Each check looks at one thing, changes nothing, never throws, and says how to get what is missing.

import { access, constants, stat } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import { mebibytes, roomBytes, roomBytesMin } from './disk-room.js';
import { parseKeys } from '../runtime/keys.js';
import { readFile } from 'node:fs/promises';
import { secretVariable } from './secret-variable.js';

export type Verdict = 'ok' | 'missing' | 'optional';

export interface Finding {
  readonly name: string;
  /** optional: missing, but only for what its hint names. */
  readonly verdict: Verdict;
  readonly found: string;
  /** What to do; empty when all is well. */
  readonly hint: string;
}

export interface DiagnoseOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly dataDir: string;
  readonly port: number;
  /** Whether what only Kafka mode needs is required. */
  readonly kafka: boolean;
}

const connectPatienceMs = 3000;

export async function diagnose(options: DiagnoseOptions): Promise<readonly Finding[]> {
  const { env } = options;
  const given = (name: string): string => (name === 'DATABASE_URL' ? secretVariable(env, name) : env[name] ?? '');
  const { localNeeds } = await import('../../infra/local/needs.js');
  const [needs, data, port, keys] = await Promise.all([localNeeds(), dataFolder(options.dataDir), portFree(options.port), keysFile(env)]);
  const servers: Promise<Finding>[] = [
    ...given('KAFKA_BROKERS').split(',').filter((broker) => broker.trim() !== '').map((broker) => reachable('broker', broker.trim(), 'KAFKA_BROKERS')),
    ...(given('SCHEMA_REGISTRY_URL') === '' ? [] : [reachable('registry', hostOf(given('SCHEMA_REGISTRY_URL'), 80), 'SCHEMA_REGISTRY_URL')]),
    ...(given('DATABASE_URL') === '' ? [] : [reachable('database', hostOf(given('DATABASE_URL'), 5432), 'DATABASE_URL')]),
  ];
  const forKafka = (name: string, need: { readonly ok: boolean; readonly found: string; readonly hint: string }, variable: string): Finding => ({
    name, found: need.found, verdict: need.ok ? 'ok' : options.kafka && given(variable) === '' ? 'missing' : 'optional', hint: need.ok ? '' : `only for --kafka without ${variable}: ${need.hint}`,
  });
  return [
    nodeVersion(), data, port, ...keys,
    forKafka('java', needs.java, 'KAFKA_BROKERS'), forKafka('maven', needs.maven, 'KAFKA_BROKERS'), forKafka('postgres', needs.postgres, 'DATABASE_URL'),
    ...await Promise.all(servers),
  ];
}

export function nodeVersion(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOk = major > 20 || (major === 20 && minor >= 19);
  return { name: 'node', verdict: isOk ? 'ok' : 'missing', found: `Node ${version}`, hint: isOk ? '' : 'get Node 20.19 or newer from https://nodejs.org' };
}

/** The folder, or where it would be made, can be written. */
export async function dataFolder(path: string): Promise<Finding> {
  const folder = resolve(path);
  const wrong = (found: string): Finding => ({ name: 'data folder', verdict: 'missing', found, hint: 'name one with --data that this user may write, on a local disk' });
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(at).catch(() => null);
    if (found === null && dirname(at) !== at) continue;
    if (found?.isDirectory() !== true) return wrong(`${at} is no folder`);
    const mayWrite = await access(at, constants.W_OK | constants.X_OK).then(() => true, () => false);
    if (!mayWrite) return wrong(`${at} may not be written`);
    const room = await roomBytes(at);
    if (room < roomBytesMin) return { ...wrong(`the disk of ${at} has ${mebibytes(room)} left`), hint: `free some: a start needs ${mebibytes(roomBytesMin)}; or name a folder on another disk with --data` };
    return { name: 'data folder', verdict: 'ok', found: at === folder ? folder : `${folder} (will be made)`, hint: '' };
  }
}

export function portFree(port: number): Promise<Finding> {
  return new Promise((resolveFinding) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolveFinding({ name: 'port', verdict: 'missing', found: `127.0.0.1:${port} is taken (${error.code ?? 'error'})`, hint: 'a blackboard may run there already; otherwise choose another with "up --port"' }));
    server.listen(port, '127.0.0.1', () => server.close(() => resolveFinding({ name: 'port', verdict: 'ok', found: `127.0.0.1:${port} is free`, hint: '' })));
  });
}

/** Only where a key file is named: embedded mode makes its own. */
async function keysFile(env: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  const path = env['BLACKBOARD_KEYS_FILE'] ?? '';
  if (path === '') return [];
  try {
    const keys = parseKeys(await readFile(path, 'utf8'), path);
    const isOpen = ((await stat(path)).mode & 0o077) !== 0;
    return [{ name: 'keys', verdict: isOpen ? 'missing' : 'ok', found: `${keys.length} keys in ${path}${isOpen ? ', which others may read' : ''}`, hint: isOpen ? `chmod 600 ${path}` : '' }];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return [{ name: 'keys', verdict: 'missing', found: `${path} is no key file (${code ?? 'error'})`, hint: 'make key files with "blackboard keys DIR"' }];
  }
}

/** What makes a server of its kind say something: a hung one still takes connections. */
const greetings = {
  // ApiVersions, version 0, correlation id 1, no client id.
  broker: Buffer.from('0000000a0012000000000001ffff', 'hex'),
  registry: Buffer.from('GET / HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n'),
  // SSLRequest: answered by one letter, before any password.
  database: Buffer.from('0000000804d2162f', 'hex'),
} as const;

export function reachable(name: keyof typeof greetings, address: string, variable: string): Promise<Finding> {
  const colon = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
  const finding = (verdict: Verdict, found: string): Finding => ({ name, verdict, found, hint: verdict === 'ok' ? '' : `check that it runs, and ${variable}` });
  if (colon <= 0 || !Number.isInteger(port) || port < 1 || port > 65_535) return Promise.resolve(finding('missing', `${variable} is not host:port`));
  return new Promise((resolveFinding) => {
    const socket = createConnection({ host: host.replace(/^\[|\]$/g, ''), port });
    const end = (result: Finding): void => { socket.destroy(); resolveFinding(result); };
    let isConnected = false;
    socket.setTimeout(connectPatienceMs, () => end(finding('missing', isConnected ? `${address} takes connections, but says nothing: it may hang` : `${address} does not answer`)));
    socket.once('connect', () => {
      isConnected = true;
      socket.write(greetings[name]);
    });
    // One that hangs up (it wants TLS, say) is alive as well.
    for (const event of ['data', 'end', 'close'] as const) socket.once(event, () => { if (isConnected) end(finding('ok', `${address} answers`)); });
    socket.once('error', (error: NodeJS.ErrnoException) => end(isConnected ? finding('ok', `${address} answers`) : finding('missing', `${address}: ${error.code ?? 'error'}`)));
  });
}

/** Host and port only: a URL may hold a password. */
export function hostOf(url: string, defaultPort: number): string {
  if (!URL.canParse(url)) return 'unreadable';
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : defaultPort)}`;
}
