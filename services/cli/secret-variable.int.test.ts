import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runCommand } from './main.js';
import { secretVariable } from './secret-variable.js';
import { json } from './scripted-ingress-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'blackboard-secrets-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};

/** The exit code, and what stands on stderr. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ readonly code: number | null; readonly err: string }> {
  let err = '';
  const terminal = { out: () => undefined, err: (text: string) => { err += text; }, columns: 80, rows: 24, isInteractive: false, isErrInteractive: false, colors: {} as never };
  const code = await runCommand(args, { terminal, env, stopped: new AbortController().signal, readStdin: async () => Buffer.alloc(0) });
  return { code, err };
}

describe('a secret that a file holds', () => {
  it('is read by commands as by services, and refused where it is given twice or the file is not there', () => {
    const path = file('url', 'postgres://me@db/board\n');
    assert.equal(secretVariable({ DATABASE_URL_FILE: path }, 'DATABASE_URL'), 'postgres://me@db/board');
    assert.equal(secretVariable({ DATABASE_URL: '' }, 'DATABASE_URL'), '');
    assert.throws(() => secretVariable({ DATABASE_URL_FILE: path, DATABASE_URL: 'postgres://other' }, 'DATABASE_URL'), { code: 'CONFIG_INVALID' });
    assert.throws(() => secretVariable({ DATABASE_URL_FILE: join(folder, 'none') }, 'DATABASE_URL'), { code: 'CONFIG_INVALID' });
  });

  it('is the API key that commands send', async () => {
    const sent: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      sent.push(request.headers.authorization);
      json(response, 200, { jobs: [], next: null });
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    try {
      const env = { BLACKBOARD_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, BLACKBOARD_API_KEY_FILE: file('key', 'a-key\n') };
      assert.deepEqual(await run(['list'], env), { code: 0, err: '' });
      assert.deepEqual(sent, ['Bearer a-key']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('is the list of API keys that "up" asks for: one that cannot be read starts nothing, least of all an open door', async () => {
    for (const path of [join(folder, 'none'), file('keys', 'not a list')]) {
      const { code, err } = await run(['up', '--port', '0', '--data', join(folder, 'data')], { BLACKBOARD_API_KEYS_FILE: path });
      assert.equal(code, 78, err);
      assert.match(err, /BLACKBOARD_API_KEYS|the list of API keys/);
    }
  });

  it('is asked for by "up" in the production profile, as each service does of its own listener', async () => {
    const inProduction = { BLACKBOARD_PROFILE: 'production' };
    const open = await run(['up', '--port', '0', '--data', join(folder, 'data')], inProduction);
    assert.equal(open.code, 78, open.err);
    assert.match(open.err, /INSECURE_IN_PRODUCTION.*BLACKBOARD_API_KEYS/);
    const keys = JSON.stringify([{ hash: 'a'.repeat(64), principal: 'ann', tenant: 'acme' }]);
    const brokers = await run(['up', '--kafka', '--port', '0', '--data', join(folder, 'data')], { ...inProduction, BLACKBOARD_API_KEYS: keys, KAFKA_BROKERS: '127.0.0.1:9', SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9', DATABASE_URL: 'postgres://127.0.0.1:9/none' });
    assert.equal(brokers.code, 78, brokers.err);
    assert.match(brokers.err, /INSECURE_IN_PRODUCTION.*KAFKA_BROKERS/);
  });
});
