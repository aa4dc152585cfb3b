import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { bytes, describeConfig, durationMs, envExample, flag, httpUrl, integer, list, readConfig, refuseInsecureInProduction, secret } from './config.js';
import { BlackboardError } from './errors.js';
import { Secret } from './secret.js';

const schema = z.object({
  port: integer(0, 65_535).default(8080).describe('Port of the HTTP door'),
  deadlineMs: durationMs().default(90_000).describe('Longest wait for an answer'),
  bodyBytesMax: bytes().default(16 * 1024 * 1024).describe('Largest body'),
  KAFKA_BROKERS: list().describe('Brokers to start from'),
  apiKey: secret().optional().describe('Key of the model endpoint'),
  baseUrl: httpUrl().optional().describe('Model endpoint'),
  verbose: flag().default(false).describe('Say more'),
  profile: z.enum(['development', 'production']).default('development').describe('Which rules apply'),
});

function problemsOf(run: () => unknown): readonly { name: string; problem: string; expected: string; unit: string }[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof BlackboardError && error.code === 'CONFIG_INVALID', String(error));
    return error.details['problems'] as never;
  }
  return assert.fail('nothing was refused');
}

describe('configuration', () => {
  it('reads typed values and defaults from the environment', () => {
    const config = readConfig(schema, { BB_PORT: '9', KAFKA_BROKERS: 'a:1, b:2', BB_DEADLINE_MS: '5m', BB_BODY_BYTES_MAX: '64KiB', BB_VERBOSE: '1', BB_BASE_URL: 'http://127.0.0.1:1/v1', PATH: '/bin' }, { prefix: 'BB_' });
    assert.deepEqual({ ...config }, { port: 9, deadlineMs: 300_000, bodyBytesMax: 65_536, KAFKA_BROKERS: ['a:1', 'b:2'], baseUrl: 'http://127.0.0.1:1/v1', verbose: true, profile: 'development' });
  });

  it('is frozen all the way down', () => {
    const config = readConfig(schema, { KAFKA_BROKERS: 'a' });
    assert.throws(() => { (config as { port: number }).port = 1; }, TypeError);
    assert.throws(() => config.KAFKA_BROKERS.push('b'), TypeError);
  });

  it('takes an empty variable as not set', () => {
    assert.equal(readConfig(schema, { KAFKA_BROKERS: 'a', PORT: '' }).port, 8080);
    assert.deepEqual(problemsOf(() => readConfig(schema, { KAFKA_BROKERS: '' })).map(({ name, problem }) => [name, problem]), [['KAFKA_BROKERS', 'is required and not set']]);
  });

  it('reports every problem at once, with name, shape and unit', () => {
    const problems = problemsOf(() => readConfig(schema, { PORT: '70000', DEADLINE_MS: '5', BODY_BYTES_MAX: '1 GB', VERBOSE: 'yes', PROFILE: 'prod', BASE_URL: 'http://u:p@h/' }));
    assert.deepEqual(problems.map(({ name }) => name).sort(), ['BASE_URL', 'BODY_BYTES_MAX', 'DEADLINE_MS', 'KAFKA_BROKERS', 'PORT', 'PROFILE', 'VERBOSE']);
    const deadline = problems.find(({ name }) => name === 'DEADLINE_MS');
    assert.equal(deadline?.unit, 'ms');
    assert.match(deadline?.expected ?? '', /500ms, 30s/);
  });

  it('shows no value in an error, neither of a secret nor of another variable', () => {
    const planted = 'sk-PLANTED';
    for (const name of ['PORT', 'DEADLINE_MS', 'BODY_BYTES_MAX', 'BASE_URL', 'VERBOSE', 'PROFILE']) {
      try {
        readConfig(schema, { KAFKA_BROKERS: 'a', [name]: planted });
        assert.fail(`${name} was accepted`);
      } catch (error) {
        assert.doesNotMatch(inspect(error, { depth: 9 }) + JSON.stringify((error as BlackboardError).details), /PLANTED/, name);
      }
    }
  });

  it('reads a secret from the file that X_FILE names, and refuses both at once', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'key');
    writeFileSync(file, 'from-file\n');
    assert.equal(readConfig(schema, { KAFKA_BROKERS: 'a', API_KEY_FILE: file }).apiKey?.reveal(), 'from-file');
    assert.match(problemsOf(() => readConfig(schema, { KAFKA_BROKERS: 'a', API_KEY_FILE: file, API_KEY: 'x' }))[0]?.problem ?? '', /set twice/);
    assert.match(problemsOf(() => readConfig(schema, { KAFKA_BROKERS: 'a', API_KEY_FILE: join(folder, 'none') }))[0]?.problem ?? '', /ENOENT/);
    assert.deepEqual(problemsOf(() => readConfig(schema, { PORT_FILE: file })).map(({ name }) => name), ['KAFKA_BROKERS']);
  });

  it('describes each variable, and the example file reads back to the defaults', () => {
    const rows = describeConfig(schema, { prefix: 'BB_' });
    assert.deepEqual(rows.map(({ name, required, default: fallback }) => [name, required, fallback]), [
      ['BB_PORT', false, '8080'], ['BB_DEADLINE_MS', false, '90s'], ['BB_BODY_BYTES_MAX', false, '16MiB'], ['KAFKA_BROKERS', true, ''],
      ['BB_API_KEY', false, ''], ['BB_BASE_URL', false, ''], ['BB_VERBOSE', false, 'false'], ['BB_PROFILE', false, 'development'],
    ]);
    assert.deepEqual(rows.find(({ name }) => name === 'BB_API_KEY'), { name: 'BB_API_KEY', required: false, default: '', meaning: 'Key of the model endpoint', unit: '', shape: 'a secret', secret: true });
    const example = envExample(rows).replace(/^# (BB_\w+=)/gm, '$1').replace('KAFKA_BROKERS=', 'KAFKA_BROKERS=a');
    const config = readConfig(schema, parseEnv(example) as Record<string, string>, { prefix: 'BB_' });
    assert.deepEqual({ ...config }, { ...readConfig(schema, { KAFKA_BROKERS: 'a' }, { prefix: 'BB_' }) });
  });
});

describe('a secret', () => {
  it('shows itself in no way but reveal', () => {
    const key = new Secret('sk-PLANTED');
    const shown = [String(key), `${key}`, JSON.stringify({ key }), inspect({ key }, { showHidden: true, depth: 9 }), JSON.stringify(Object.entries(key)), JSON.stringify({ ...key }), JSON.stringify(structuredClone({ ...key }))].join();
    assert.doesNotMatch(shown, /PLANTED/);
    assert.match(shown, /\[secret\]/);
    assert.equal(key.reveal(), 'sk-PLANTED');
  });
});

describe('the production profile', () => {
  const listeners = [{ name: 'KAFKA_BROKERS', authenticated: false }, { name: 'DATABASE_URL', authenticated: true }, { name: 'HTTP', authenticated: false }];

  it('refuses every listener without authentication, all at once', () => {
    assert.throws(() => refuseInsecureInProduction({ profile: 'production', listeners }), (error: BlackboardError) => error.code === 'INSECURE_IN_PRODUCTION' && /KAFKA_BROKERS, HTTP/.test(error.message) && !/DATABASE_URL/.test(error.message));
  });

  it('starts with authenticated listeners, and other profiles are left alone', () => {
    refuseInsecureInProduction({ profile: 'production', listeners: listeners.slice(1, 2) });
    refuseInsecureInProduction({ profile: 'development', listeners });
  });
});
