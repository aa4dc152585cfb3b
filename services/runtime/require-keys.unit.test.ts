import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agentsThatShip, servicePrincipals } from '../../workflows/policy.js';
import { Keyring } from './keyring.js';
import { makeKeys } from './keys.js';
import type { Logger } from './logger.js';
import { requireKeysOfAgents, requireKeysOfOthers, requireOwnKey } from './require-keys.js';

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

  it('does not start to serve agents with no key of any, and names those that ship and have none', () => {
    const warned: unknown[] = [];
    const logger = { warn: (about: unknown) => { warned.push(about); } } as unknown as Pick<Logger, 'warn'>;
    const known = { services: servicePrincipals, askers: ['ingress', ...agentsThatShip] };
    const start = (...principals: readonly string[]): void => requireKeysOfAgents(of(...principals), 'gateway', known, logger);
    assert.throws(() => start('noop'), { code: 'CONFIG_INVALID', message: /no key of gateway/ });
    for (const others of [[], ['ingress'], servicePrincipals.filter((name) => name !== 'gateway')]) {
      assert.throws(() => start('gateway', ...others), { code: 'CONFIG_INVALID', message: /no key of an agent \(only of gateway.*all\.json/ });
    }
    start('gateway', 'ingress', ...agentsThatShip);
    assert.deepEqual(warned, []);
    // An agent of one's own is in no list that ships.
    start('gateway', 'word-counter');
    assert.deepEqual(warned, [{ principals: known.askers }]);
  });
});
