import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keysText, makeKeys, parseKeys } from './keys.js';

describe('a key file', () => {
  it('refuses two keys of one name, by name and never by secret', () => {
    const [one, other] = [makeKeys(['noop'], 'k1')[0], makeKeys(['noop'], 'k1')[0]].filter((key) => key !== undefined);
    assert.ok(one !== undefined && other !== undefined);
    assert.throws(() => parseKeys(keysText([one, other]), 'all.json'), (error: Error & { code?: string }) =>
      error.code === 'CONFIG_INVALID' && error.message.startsWith('all.json has two keys noop#k1') && ![one, other].some(({ secret }) => error.message.includes(secret.toString('base64'))));
  });

  it('takes a key that stands twice, and one name under several ids, the last of which signs', () => {
    const [old, next] = [...makeKeys(['noop'], 'k1'), ...makeKeys(['noop'], 'k2')];
    assert.ok(old !== undefined && next !== undefined);
    assert.deepEqual(parseKeys(keysText([old, next, next]), 'all.json').map(({ keyId }) => keyId), ['k1', 'k2', 'k2']);
  });
});
