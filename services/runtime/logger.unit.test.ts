import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BlackboardError } from './errors.js';
import { createLogger, withIds } from './logger.js';
import { Secret } from './secret.js';

function capture(): { lines: () => Record<string, unknown>[]; text: () => string; destination: { write(line: string): void } } {
  const written: string[] = [];
  return { lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>), text: () => written.join(''), destination: { write: (line) => { written.push(line); } } };
}

describe('the logger', () => {
  it('stamps service, level, time and the ids of its children', () => {
    const { lines, destination } = capture();
    const logger = createLogger({ service: 'gateway', level: 'info', destination });
    withIds(logger, { job: 'j1', step: 's1', attempt: 2, trace: 't1' }).info({ bytes: 3 }, 'asked');
    const [line] = lines();
    assert.deepEqual({ ...line, time: 0 }, { level: 'info', time: 0, service: 'gateway', job: 'j1', step: 's1', attempt: 2, trace: 't1', bytes: 3, msg: 'asked' });
    assert.match(String(line?.['time']), /^\d{4}-\d\d-\d\dT/);
  });

  it('is silent under the test runner unless a level is given', () => {
    assert.equal(createLogger({ service: 'x' }).level, 'silent');
    const { lines, destination } = capture();
    createLogger({ service: 'x', destination }).error('not seen');
    assert.equal(lines().length, 0);
  });

  it('redacts secret fields at every depth it is given them', () => {
    const { text, destination } = capture();
    const logger = createLogger({ service: 'x', level: 'info', destination });
    const planted = 'sk-PLANTED';
    logger.info({ apiKey: planted, password: planted, config: { apiKey: planted, OPENAI_API_KEY: planted }, request: { headers: { authorization: planted, 'x-api-key': planted } }, a: { b: { c: { token: planted } } }, key: new Secret(planted) }, 'x');
    logger.child({ authorization: planted }).info('x');
    assert.doesNotMatch(text(), /PLANTED/);
    assert.match(text(), /\[secret\]/);
  });

  it('writes of an error no field that a client hung on it, and follows its causes', () => {
    const { lines, text, destination } = capture();
    const logger = createLogger({ service: 'x', level: 'info', destination });
    const cause = Object.assign(new Error('socket closed'), { code: 'ECONNRESET', request: { headers: { 'proxy-authorization': 'sk-PLANTED' } } });
    logger.error({ err: new BlackboardError('MODEL_UNAVAILABLE', 'no model answered', { attempts: 3 }, { cause }) }, 'failed');
    logger.error(Object.assign(new Error('bare'), { config: 'sk-PLANTED' }));
    assert.doesNotMatch(text(), /PLANTED/);
    const err = lines()[0]?.['err'] as Record<string, unknown>;
    assert.equal(err['code'], 'MODEL_UNAVAILABLE');
    assert.deepEqual(err['details'], { attempts: 3 });
    assert.equal((err['cause'] as Record<string, unknown>)['code'], 'ECONNRESET');
  });
});
