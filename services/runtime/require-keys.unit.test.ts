import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Keyring } from './keyring.js';
import { makeKeys } from './keys.js';
import type { Logger } from './logger.js';
import { requireKeysOfOthers, requireOwnKey } from './require-keys.js';

const of = (...principals: readonly string[]): Keyring => new Keyring(makeKeys(principals, 'k1'));

describe('a process that is given keys', () => {
  it('does not start without its own', () => {
    requireOwnKey(of('ingress'), 'ingress');
    assert.throws(() => requireOwnKey(of('noop'), 'ingress'), { code: 'CONFIG_INVALID', message: /no key of ingress/ });
    assert.throws(() => of('noop').signerOf('ingress'), { code: 'CONFIG_INVALID' });
  });

  it('does not start to verify others with its own alone, and names those whose keys are missing', () => {
    const warned: unknown[] = [];
    const logger = { warn: (about: unknown) => { warned.push(about); } } as unknown as Pick<Logger, 'warn'>;
    const principals = ['orchestrator', 'ingress', 'noop'];
    assert.throws(() => requireKeysOfOthers(of('orchestrator'), 'orchestrator', principals, logger), { code: 'CONFIG_INVALID', message: /every honest signature/ });
    assert.throws(() => requireKeysOfOthers(of('ingress', 'noop'), 'orchestrator', principals, logger), { code: 'CONFIG_INVALID', message: /no key of orchestrator/ });
    requireKeysOfOthers(of(...principals), 'orchestrator', principals, logger);
    assert.deepEqual(warned, []);
    requireKeysOfOthers(of('orchestrator', 'ingress'), 'orchestrator', principals, logger);
    assert.deepEqual(warned, [{ principals: ['noop'] }]);
  });
});
