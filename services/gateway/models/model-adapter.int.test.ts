import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { z } from 'zod';
import { readConfig } from '../../runtime/config.js';
import { BlackboardError } from '../../runtime/errors.js';
import { createLogger } from '../../runtime/logger.js';
import { projectRoot } from '../../runtime/project-root.js';
import { parseStrictJson } from '../../runtime/strict-json.js';
import { startOpenAiServer, type Behaviour, type OpenAiServer } from '../../testing/openai-server.js';
import { answerShape } from './answer-shape.js';
import { askModel, createModelDeps, modelConfigured, pickFallback, pickPrimary, type ModelAnswer, type ModelAttempt, type ModelDeps, type ModelFailure, type ModelRequest } from './model-adapter.js';
import { createModels } from './create-models.js';
import { modelConfigSchema } from './model-config.js';

const suite = join(projectRoot, '../shared/corpora/json-test-suite/test_parsing');
const key = 'sk-PLANTED';
const shape = z.toJSONSchema(z.object({ claim: z.string(), score: z.number() }));
const request: ModelRequest = { system: 'You judge.', user: 'Is it so?', name: 'verdict', shape };
const good: Behaviour = { kind: 'answer', content: '{"claim":"yes","score":0.9}' };
const prices = '{"primary":{"inputMicrosPerMillion":2500000,"outputMicrosPerMillion":10000000}}';

interface World { server: OpenAiServer; deps: ModelDeps; waits: number[]; logged: string[] }

/** Runs `test` against an endpoint that behaves as given; checks that the key stayed out of logs and closes everything. */
async function withEndpoint<T>(behave: (index: number, model: string) => Behaviour, env: Record<string, string>, test: (world: World) => Promise<T>): Promise<T> {
  const server = await startOpenAiServer((body, index) => behave(index, body.model));
  const waits: number[] = [];
  const logged: string[] = [];
  const config = readConfig(modelConfigSchema, { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: key, MODEL_PRIMARY: 'primary', MODEL_FALLBACK: 'fallback', MODEL_PRICES: prices, ...env });
  const logger = createLogger({ service: 'gateway', level: 'trace', destination: { write: (line) => { logged.push(line); } } });
  // Waits are recorded, not waited for; everything else is the real thing.
  const deps: ModelDeps = { ...createModelDeps(config, logger), sleep: async (ms) => { waits.push(ms); }, random: () => 0.5 };
  try {
    return await test({ server, deps, waits, logged });
  } finally {
    await server.close();
    assert.doesNotMatch(logged.join() + inspect(deps, { depth: 9, showHidden: true }), /PLANTED/);
  }
}

async function refusedAttempts(answer: Promise<ModelAnswer>): Promise<readonly ModelAttempt[]> {
  try {
    await answer;
  } catch (error) {
    assert.ok(error instanceof BlackboardError && error.code === 'MODEL_UNAVAILABLE', inspect(error));
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /PLANTED|ECHO/);
    return error.details['attempts'] as readonly ModelAttempt[];
  }
  return assert.fail('an answer was accepted');
}

/** The endpoint misbehaves once at the primary model, then answers well: how often, and differing how, was it asked? */
async function recover(first: Behaviour, env: Record<string, string> = {}): Promise<{ answer: ModelAnswer; world: World }> {
  return withEndpoint((index) => (index === 0 ? first : good), env, async (world) => {
    const answer = await askModel(request, world.deps);
    assert.deepEqual(answer.value, { claim: 'yes', score: 0.9 });
    return { answer, world };
  });
}

describe('asking a model', () => {
  it('returns the validated answer with model, usage and cost, and sends the shape as structured output', async () => {
    await withEndpoint(() => ({ ...good, model: 'primary-2026' }) as Behaviour, {}, async ({ server, deps }) => {
      const answer = await askModel(request, deps);
      assert.deepEqual({ ...answer, attempts: answer.attempts.map((attempt) => ({ ...attempt, latencyMs: 0 })) }, {
        value: { claim: 'yes', score: 0.9 }, modelId: 'primary-2026', fallbackTaken: '', usage: { modelCalls: 1, inputTokens: 100, outputTokens: 20, costMicros: 450 },
        attempts: [{ model: 'primary', outcome: 'answered', rule: '', latencyMs: 0, usage: { inputTokens: 100, outputTokens: 20, costMicros: 450 }, variation: 'none' }],
      });
      const [sent] = server.requests;
      assert.equal(sent?.headers.authorization, `Bearer ${key}`);
      assert.deepEqual(sent?.body.messages, [{ role: 'system', content: 'You judge.' }, { role: 'user', content: 'Is it so?' }]);
      assert.equal(sent?.body.response_format?.json_schema.name, 'verdict');
      assert.deepEqual(sent?.body.response_format?.json_schema.schema['required'], ['claim', 'score']);
      assert.equal(sent?.body.response_format?.json_schema.schema['$schema'], undefined);
    });
  });

  const bad: readonly (readonly [string, Behaviour, ModelAttempt['outcome'], string])[] = [
    ['an empty answer', { kind: 'answer', content: '' }, 'empty', ''],
    ['an answer of null', { kind: 'answer', content: null }, 'empty', ''],
    ['JSON cut by the token limit', { kind: 'answer', content: '{"claim":"y', finish: 'length' }, 'cut', 'syntax'],
    ['JSON cut without a word', { kind: 'answer', content: '{"claim":"y' }, 'not-json', 'syntax'],
    ['prose', { kind: 'answer', content: 'Sure! ECHO' }, 'not-json', 'syntax'],
    ['a code fence', { kind: 'answer', content: '```json\n{"claim":"yes","score":1}\n```' }, 'not-json', 'syntax'],
    ['a key twice', { kind: 'answer', content: '{"claim":"a","score":1,"claim":"b"}' }, 'not-json', 'duplicate-key'],
    ['a key that reaches a prototype', { kind: 'answer', content: '{"claim":"a","score":1,"__proto__":{}}' }, 'not-json', 'forbidden-key'],
    ['100,000 nested arrays', { kind: 'answer', content: '['.repeat(100_000) }, 'not-json', 'depth'],
    ['an array', { kind: 'answer', content: '[]' }, 'shape', 'invalid_type'],
    ['a field of the wrong type', { kind: 'answer', content: '{"claim":1,"score":1}' }, 'shape', 'invalid_type'],
    ['a missing field', { kind: 'answer', content: '{"claim":"a"}' }, 'shape', 'invalid_type'],
    ['an unknown field', { kind: 'answer', content: '{"claim":"a","score":1,"extra":1}' }, 'shape', 'unrecognized_keys'],
  ];
  for (const [title, behaviour, outcome, rule] of bad) {
    it(`asks again with the broken rule as a constraint after ${title}`, async () => {
      const { answer, world } = await recover(behaviour);
      assert.deepEqual(answer.attempts.map((attempt) => attempt.outcome), [outcome, 'answered']);
      assert.equal(answer.attempts[0]?.rule, rule);
      const [first, second] = world.server.requests.map(({ body }) => body);
      assert.notDeepEqual(second?.messages, first?.messages, 'a retry repeats no request');
      assert.match(second?.messages[0]?.content ?? '', /Attempt 2: the previous answer was /);
      assert.doesNotMatch(JSON.stringify(second), /ECHO/);
      if (outcome === 'cut') assert.equal(second?.max_completion_tokens, 2 * (first?.max_completion_tokens ?? 0));
      assert.equal(answer.usage.inputTokens, 200, 'the refused attempt is charged');
      assert.deepEqual(world.waits, []);
    });
  }

  const broken: readonly (readonly [string, Behaviour, ModelAttempt['outcome']])[] = [
    ['500', { kind: 'raw', status: 500, body: '{"error":{"message":"ECHO sk-PLANTED"}}' }, 'server-error'],
    ['503 with a page of HTML', { kind: 'raw', status: 503, body: '<html>ECHO</html>', headers: { 'content-type': 'text/html' } }, 'server-error'],
    ['a page of HTML with status 200', { kind: 'raw', status: 200, body: '<html>ECHO</html>', headers: { 'content-type': 'text/html' } }, 'protocol'],
    ['status 200 and JSON that is no completion', { kind: 'raw', status: 200, body: '{"error":{"message":"ECHO"}}' }, 'protocol'],
    ['status 200 and a body of nothing', { kind: 'raw', status: 200, body: '' }, 'protocol'],
    ['status 200 and 100,000 nested arrays', { kind: 'raw', status: 200, body: '['.repeat(100_000) + ']'.repeat(100_000) }, 'protocol'],
    ['a redirect', { kind: 'raw', status: 307, body: '', headers: { location: '/v1/elsewhere' } }, 'connection'],
    ['a connection closed in the middle of the body', { kind: 'early-close' }, 'connection'],
    ['silence', { kind: 'silent' }, 'timeout'],
    ['an answer that comes too late', { ...good, delayMs: 2000 } as Behaviour, 'timeout'],
    ['a body that trickles for ever', { kind: 'trickle' }, 'timeout'],
  ];
  for (const [title, behaviour, outcome] of broken) {
    it(`backs off and asks again after ${title}`, async () => {
      // Short only where it is waited out: the good answer behind has to come within it, too.
      const { answer, world } = await recover(behaviour, outcome === 'timeout' ? { MODEL_TIMEOUT: '1s' } : {});
      assert.deepEqual(answer.attempts.map((attempt) => attempt.outcome), [outcome, 'answered']);
      assert.equal(answer.fallbackTaken, '');
      assert.deepEqual(world.waits, [250]);
      assert.ok((answer.attempts[0]?.latencyMs ?? 0) < 5000);
    });
  }

  it('waits as long as a 429 asks, in seconds, milliseconds or as a date', async () => {
    const busy = (headers: Record<string, string>): Behaviour => ({ kind: 'raw', status: 429, body: 'ECHO', headers });
    assert.deepEqual((await recover(busy({ 'retry-after': '3' }))).world.waits, [3000]);
    assert.deepEqual((await recover(busy({ 'retry-after-ms': '120' }))).world.waits, [120]);
    assert.deepEqual((await recover(busy({}))).world.waits, [250]);
    const [wait = 0] = (await recover(busy({ 'retry-after': new Date(Date.now() + 5000).toUTCString() }))).world.waits;
    assert.ok(wait > 2000 && wait <= 5000, String(wait));
  });

  it('takes the fallback at once when a 429 asks for more than it is willing to wait', async () => {
    await withEndpoint((_, model) => (model === 'primary' ? { kind: 'raw', status: 429, body: '', headers: { 'retry-after': '20' } } : good), {}, async ({ deps, waits }) => {
      const answer = await askModel(request, deps);
      assert.deepEqual([answer.fallbackTaken, answer.modelId, answer.attempts.length, waits.length], ['fallback', 'fallback', 2, 0]);
    });
  });

  it('reads no more of a 100 MB body than the limit, and then takes the fallback', async () => {
    await withEndpoint((_, model) => (model === 'primary' ? { kind: 'huge', bytes: 100 * 1024 * 1024 } : good), { MODEL_ATTEMPTS: '1' }, async ({ server, deps }) => {
      const answer = await askModel(request, deps);
      assert.deepEqual(answer.attempts.map(({ outcome }) => outcome), ['too-large', 'answered']);
      assert.equal(answer.fallbackTaken, 'fallback');
      assert.ok(server.bytesSent < 30 * 1024 * 1024, `${server.bytesSent} bytes were sent`);
    });
  });

  it('asks the primary a bounded number of times, then the fallback, then says that no model is available', async () => {
    await withEndpoint(() => ({ kind: 'answer', content: 'no' }), {}, async ({ server, deps }) => {
      const attempts = await refusedAttempts(askModel(request, deps));
      assert.deepEqual(attempts.map(({ model }) => model), ['primary', 'primary', 'primary', 'fallback', 'fallback', 'fallback']);
      assert.equal(server.requests.length, 6);
    });
  });

  it('says that no model is available when nothing listens', async () => {
    await withEndpoint(() => good, { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', MODEL_ATTEMPTS: '2' }, async ({ deps }) => {
      assert.deepEqual((await refusedAttempts(askModel(request, deps))).map(({ outcome }) => outcome), ['connection', 'connection', 'connection', 'connection']);
    });
  });

  it('serves the gateway\'s door: the answer without its attempts, a failure with what it cost, an abort obeyed', async () => {
    const ask = { system: 's', user: 'u', name: 'verdict', schema: shape as Record<string, unknown> };
    await withEndpoint((index) => (index === 0 ? good : index < 3 ? { kind: 'answer', content: 'no' } : { kind: 'silent' }), { MODEL_ATTEMPTS: '2', MODEL_FALLBACK: '' }, async ({ deps }) => {
      const models = createModels(deps.config) ?? assert.fail('no models');
      assert.deepEqual(await models(ask, new AbortController().signal), { value: { claim: 'yes', score: 0.9 }, modelId: 'primary', fallbackTaken: '', usage: { modelCalls: 1, inputTokens: 100, outputTokens: 20, costMicros: 450 } });
      await assert.rejects(models(ask, new AbortController().signal), (error: BlackboardError) => {
        assert.deepEqual(error.details['usage'], { modelCalls: 2, inputTokens: 200, outputTokens: 40, costMicros: 900 });
        return error.code === 'MODEL_UNAVAILABLE';
      });
      await assert.rejects(models(ask, AbortSignal.timeout(50)), /last: cancelled/);
    });
    assert.equal(createModels(readConfig(modelConfigSchema, {})), null);
  });

  it('does not try a wrong key a second time, at any model', async () => {
    await withEndpoint(() => ({ kind: 'raw', status: 401, body: '{"error":{"message":"Incorrect API key ECHO sk-PLANTED"}}' }), {}, async ({ deps }) => {
      assert.deepEqual((await refusedAttempts(askModel(request, deps))).map(({ outcome }) => outcome), ['unauthenticated']);
    });
  });

  it('puts the shape into the text for an endpoint that refuses structured output', async () => {
    const { answer, world } = await recover({ kind: 'raw', status: 400, body: '{"error":{"message":"ECHO"}}' });
    assert.deepEqual(answer.attempts.map(({ variation }) => variation), ['none', 'plain']);
    assert.equal(world.server.requests[1]?.body.response_format, undefined);
    assert.match(world.server.requests[1]?.body.messages[0]?.content ?? '', /JSON Schema:\n\{"type":"object"/);
  });

  it('takes the fallback when a model refuses, is filtered or is not there', async () => {
    const refusals: readonly Behaviour[] = [{ kind: 'answer', content: null, refusal: 'I cannot' }, { kind: 'answer', content: '{}', finish: 'content_filter' }, { kind: 'raw', status: 404, body: '' }];
    for (const behaviour of refusals) {
      await withEndpoint((_, model) => (model === 'primary' ? behaviour : good), {}, async ({ deps }) => {
        const answer = await askModel(request, deps);
        assert.deepEqual([answer.attempts.length, answer.fallbackTaken], [2, 'fallback']);
      });
    }
  });

  it('opens the breaker of a model whose endpoint fails again and again, and goes on with the fallback', async () => {
    await withEndpoint((_, model) => (model === 'primary' ? { kind: 'raw', status: 500, body: '' } : good), {}, async ({ server, deps }) => {
      for (let round = 0; round < 3; round += 1) assert.equal((await askModel(request, deps)).fallbackTaken, 'fallback');
      assert.equal(server.requests.filter(({ body }) => body.model === 'primary').length, 5);
      assert.equal((await askModel(request, deps)).attempts[0]?.outcome, 'breaker-open');
    });
  });

  it('ends at its deadline however many attempts are left', async () => {
    await withEndpoint(() => ({ kind: 'silent' }), { MODEL_TIMEOUT: '20s' }, async ({ deps }) => {
      const started = performance.now();
      const attempts = await refusedAttempts(askModel({ ...request, deadlineMs: 300 }, deps));
      assert.ok(performance.now() - started < 10_000);
      assert.deepEqual(attempts.map(({ outcome }) => outcome), ['deadline']);
    });
  });

  it('stops when the caller aborts, and asks nobody else', async () => {
    const caller = new AbortController();
    const asked = (): Behaviour => { setTimeout(() => caller.abort(), 50); return { kind: 'silent' }; };
    await withEndpoint(asked, {}, async ({ server, deps }) => {
      const attempts = await refusedAttempts(askModel({ ...request, signal: caller.signal }, deps));
      assert.deepEqual(attempts.map(({ outcome }) => outcome), ['cancelled']);
      assert.equal(server.requests.length, 1);
    });
  });

  it('takes an endpoint\'s word neither for its name nor for its usage when they are not of their type', async () => {
    await withEndpoint(() => ({ ...good, model: '\x1b[31mevil', usage: { prompt_tokens: -5, completion_tokens: 'many' } }) as Behaviour, {}, async ({ deps }) => {
      const answer = await askModel(request, deps);
      assert.equal(answer.modelId, 'primary');
      assert.deepEqual([answer.usage, answer.attempts[0]?.usage], [{ modelCalls: 1, inputTokens: 0, outputTokens: 0, costMicros: 0 }, null]);
    });
  });

  it('refuses a shape or a name that it does not understand before anything is paid', async () => {
    await withEndpoint(() => good, {}, async ({ server, deps }) => {
      const wrong: readonly Partial<ModelRequest>[] = [{ shape: null }, { shape: { type: 'array' } }, { shape: { type: 'object', properties: { a: { $ref: 'http://x/' } } } }, { shape: { type: 'object', description: 'x'.repeat(70_000) } }, { name: 'a b' }, { name: '' }];
      for (const part of wrong) await assert.rejects(askModel({ ...request, ...part }, deps), (error: BlackboardError) => error.code === 'INPUT_INVALID');
      assert.equal(server.requests.length, 0);
    });
  });

  it('decides all 318 cases of the JSON test suite, as an answer\'s content, as the strict parser does', { skip: existsSync(suite) ? false : 'the JSON test suite is not beside this project' }, async (t) => {
    const files = readdirSync(suite).filter((file) => file.endsWith('.json')).sort();
    const counts: Record<string, number> = {};
    await withEndpoint((index) => ({ kind: 'answer', content: readFileSync(join(suite, files[index] ?? '')) }), { MODEL_ATTEMPTS: '1', MODEL_FALLBACK: '' }, async ({ deps }) => {
      for (const file of files) {
        deps.breakers.clear();
        const bytes = readFileSync(join(suite, file));
        const strict = parseStrictJson(bytes);
        const anyObject = { ...request, shape: { type: 'object' } };
        const isObject = strict.ok && typeof strict.value === 'object' && strict.value !== null && !Array.isArray(strict.value);
        let outcome = 'answered';
        if (isObject) assert.deepEqual((await askModel(anyObject, deps)).value, strict.value, file);
        else outcome = (await refusedAttempts(askModel(anyObject, deps)))[0]?.outcome ?? '';
        const allowed = strict.ok ? [isObject ? 'answered' : 'shape'] : ['not-json', 'empty', 'protocol'];
        assert.ok(allowed.includes(outcome), `${file}: ${outcome}`);
        if (file.startsWith('n_')) assert.ok(!strict.ok, file);
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      }
    });
    assert.equal(files.length, 318);
    t.diagnostic(`JSON test suite at the model-output door: 318 cases; ${Object.entries(counts).map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`);
  });
});

describe('choosing a model', () => {
  const config = readConfig(modelConfigSchema, { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', MODEL_PRIMARY: 'p', MODEL_HIGHER: 'h', MODEL_FALLBACK: 'f' });
  const failure = (kind: ModelFailure['kind']): ModelFailure => ({ kind, rule: '', retryAfterMs: -1 });

  it('asks the primary first, and the higher tier where a retry asks for it', () => {
    assert.equal(pickPrimary({}, config), 'p');
    assert.equal(pickPrimary({ tier: 'higher' }, config), 'h');
    assert.equal(pickPrimary({ tier: 'higher' }, { ...config, MODEL_HIGHER: undefined }), 'p');
  });

  it('names the fallback after a failure that another model may not have, and none after the others', () => {
    for (const kind of ['rate-limited', 'server-error', 'not-json', 'breaker-open', 'refusal', 'not-found'] as const) assert.equal(pickFallback({}, config, failure(kind)), 'f', kind);
    for (const kind of ['unauthenticated', 'cancelled', 'deadline'] as const) assert.equal(pickFallback({}, config, failure(kind)), null, kind);
    assert.equal(pickFallback({}, { ...config, MODEL_FALLBACK: 'p' }, failure('timeout')), null);
    assert.equal(pickFallback({}, { ...config, MODEL_FALLBACK: undefined }, failure('timeout')), null);
  });

  it('knows when there is no model, and says how to get one', () => {
    const none = readConfig(modelConfigSchema, {});
    assert.equal(modelConfigured(none), false);
    assert.throws(() => pickPrimary({}, none), /Set MODEL_PRIMARY/);
  });

  it('refuses a model of the public endpoint without a key, prices that are not JSON, and a key inside the address', () => {
    assert.throws(() => readConfig(modelConfigSchema, { MODEL_PRIMARY: 'p' }), /OPENAI_API_KEY: is required and not set/);
    assert.throws(() => readConfig(modelConfigSchema, { MODEL_PRICES: '{"p":1,"p":2}' }), /MODEL_PRICES: an object has the same key twice/);
    assert.throws(() => readConfig(modelConfigSchema, { OPENAI_BASE_URL: 'https://u:sk-PLANTED@h/v1' }), (error: BlackboardError) => /OPENAI_BASE_URL/.test(error.message) && !/PLANTED/.test(inspect(error)));
  });
});

describe('the shape of an answer', () => {
  it('does not find a required key on a prototype', () => {
    const inherited = answerShape({ type: 'object', properties: { toString: {}, list: { type: 'array', items: { type: 'object', properties: { valueOf: {} }, required: ['valueOf'] } } }, required: ['toString'] });
    assert.notEqual(inherited.broken({}), '');
    assert.notEqual(inherited.broken(JSON.parse('{"toString":1,"list":[{}]}')), '');
    assert.equal(inherited.broken(JSON.parse('{"toString":1,"list":[{"valueOf":1}]}')), '');
  });

  it('runs no regular expression of a caller, and keeps a property that is named pattern', () => {
    const evil = answerShape({ type: 'object', properties: { text: { type: 'string', pattern: '^(a+)+$' }, pattern: { type: 'number' } }, required: ['text', 'pattern'] });
    const started = performance.now();
    assert.equal(evil.broken({ text: `${'a'.repeat(40)}!`, pattern: 1 }), '');
    assert.notEqual(evil.broken({ text: 'a', pattern: 'x' }), '');
    assert.ok(performance.now() - started < 5000);
  });
});
