import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobId } from '../blackboard/ids.js';
import { admit, paramsBytesMax, type AdmitContext } from './admit.js';
import { apiKeyHash, callerOf, parseApiKeys, refuseOpenDoor } from './callers.js';

const context: AdmitContext = { caller: { principal: 'upstream-a', tenant: 'acme' }, signer: 'ingress#k1', nowMs: 1000, trace: '' };
const request = { workflow: 'brief', params: { b: 1, a: 'x' } };

test('a submission becomes a claim of the tenant of the key, on behalf of the caller, under the id of tenant and key', () => {
  const admission = admit(request, 'key-1', context);
  assert.ok(admission.admitted);
  const { claim } = admission;
  assert.deepEqual([claim.tenant, claim.onBehalfOf, claim.job, claim.params, claim.signer, claim.instance], ['acme', 'upstream-a', jobId('acme', 'key-1'), '{"a":"x","b":1}', 'ingress#k1', -1]);
});

test('the digest tells another body, and not another order of fields or another correlation', () => {
  const digest = (over: object, caller = context): string => {
    const admission = admit({ ...request, ...over }, 'key-1', caller);
    return admission.admitted ? admission.digest : 'refused';
  };
  assert.equal(digest({}), digest({ params: { a: 'x', b: 1 }, correlation: 'c-2' }));
  for (const over of [{ workflow: 'other' }, { params: { a: 'x', b: 2 } }, { deadlineMs: 5 }, { costCapMicros: 5 }, { goal: 'g' }]) assert.notEqual(digest({}), digest(over));
});

test('refuses a foreign tenant, no key, two keys that differ, and parameters that are too large, by field and rule', () => {
  const rule = (over: object, key?: string): string => {
    const admission = admit({ ...request, ...over }, key, context);
    return admission.admitted ? 'admitted' : `${admission.status} ${admission.field} ${admission.rule}`;
  };
  assert.equal(rule({ tenant: 'other' }, 'k'), '403 tenant foreign-tenant');
  assert.equal(rule({ tenant: 'acme' }, 'k'), 'admitted');
  assert.equal(rule({}), '400 idempotencyKey required');
  assert.equal(rule({ idempotencyKey: 'a' }, 'b'), '400 idempotencyKey two-keys');
  assert.equal(rule({ idempotencyKey: 'a' }, 'a'), 'admitted');
  assert.equal(rule({}, 'k\u0007'), '400 idempotencyKey label');
  assert.equal(rule({ params: { text: 'x'.repeat(paramsBytesMax) } }, 'k'), '400 params size');
});

test('an API key binds its caller; any other key, and none, is nobody', () => {
  const keys = [{ hash: apiKeyHash('secret-a'), principal: 'upstream-a', tenant: 'acme' }, { hash: apiKeyHash('secret-b'), principal: 'upstream-b', tenant: 'other' }];
  assert.deepEqual(callerOf({ authorization: 'Bearer secret-b' }, keys), { principal: 'upstream-b', tenant: 'other' });
  assert.deepEqual(callerOf({ 'x-api-key': 'secret-a' }, keys), { principal: 'upstream-a', tenant: 'acme' });
  for (const headers of [{}, { authorization: 'Bearer secret-c' }, { authorization: 'Basic secret-a' }, { authorization: 'Bearer ' }]) assert.equal(callerOf(headers, keys), null);
});

test('a list of keys is refused whole when an entry breaks a rule', () => {
  assert.equal(parseApiKeys(JSON.stringify([{ hash: apiKeyHash('x'), principal: 'a', tenant: 't' }])).length, 1);
  assert.throws(() => parseApiKeys('[{"hash":"short","principal":"a","tenant":"t"}]'), /0\.hash/);
  assert.throws(() => parseApiKeys('[{]'), { code: 'CONFIG_INVALID' });
  assert.throws(() => parseApiKeys(JSON.stringify(['t', 'u'].map((tenant) => ({ hash: apiKeyHash('x'), principal: 'a', tenant })))), /1\.hash/);
});

test('without keys the door opens on loopback only', () => {
  for (const host of ['127.0.0.1', 'localhost', '::1', '127.8.8.8']) assert.doesNotThrow(() => refuseOpenDoor(host, []));
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.0.0.1.example.org']) assert.throws(() => refuseOpenDoor(host, []), /INSECURE/, host);
});
