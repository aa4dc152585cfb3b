// Users are made by requests of our own; a broker says whether they are what it understands.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BlackboardError } from '../../services/runtime/errors.js';
import type { KafkaConnection } from '../../services/runtime/log/kafka/kafka-client.js';
import { startBroker, type LocalBroker } from '../local/broker.js';
import { sharedBroker, whatIsMissing } from '../local/for-tests.js';
import { aclRows, applyAcls, checkAcls } from './acls.js';
import { onceShown } from './once-shown.js';
import { opensUnlisted, removeScramUser, scramMechanismsOf, setScramPassword, tryLogin, whenLoginWorks, type ScramLogin } from './scram-users.js';

const skip = (await whatIsMissing({ kafka: true })) ?? false;
let broker: LocalBroker;
let admin: KafkaConnection;
const login = (password: string, mechanism: ScramLogin['mechanism'] = 'scram-sha-256'): ScramLogin => ({ username: 'word-counter', mechanism, password: { reveal: () => password } });

before(async () => {
  if (skip !== false) return;
  broker = await startBroker({ security: 'scram' });
  const { name: username, password } = broker.admin!;
  admin = { brokers: [broker.bootstrap], clientId: 'scram-users', sasl: { mechanism: 'scram-sha-256', username, password: { reveal: () => password } } };
});
after(async () => { if (skip === false) await broker.stop(); });

test('a user is made, logs in by its password and no other, and by the new one when it is replaced', { skip }, async () => {
  assert.deepEqual(await scramMechanismsOf(admin, 'word-counter'), []);
  assert.equal(await tryLogin(admin, login('first')), 'refused');
  await setScramPassword(admin, login('first'));
  assert.equal(await whenLoginWorks(admin, login('first')), 'works');
  assert.equal(await tryLogin(admin, login('second')), 'refused');
  await setScramPassword(admin, login('second'));
  assert.equal(await whenLoginWorks(admin, login('second')), 'works');
  assert.equal(await tryLogin(admin, login('first')), 'refused');
  await setScramPassword(admin, login('third', 'scram-sha-512'));
  assert.deepEqual([...await onceShown(() => scramMechanismsOf(admin, 'word-counter'), ({ length }) => length > 1)].sort(), ['scram-sha-256', 'scram-sha-512']);
});

test('where the listener does not authenticate so, nothing is said of a password; where no lists are kept, that is', { skip }, async () => {
  assert.equal(await tryLogin(admin, login('third', 'scram-sha-512')), 'untold');
  const open = await sharedBroker();
  try {
    const nobody = { brokers: [open.bootstrap], clientId: 'scram-users' };
    assert.equal(await tryLogin(nobody, login('third')), 'untold');
    for (const work of [() => checkAcls(nobody, []), () => applyAcls(nobody, aclRows([{ name: 'x', role: 'agent' }]))]) {
      await assert.rejects(work, (error) => error instanceof BlackboardError && error.code === 'TOPOLOGY_DRIFT' && error.message.includes('authorizer.class.name'));
    }
  } finally {
    await open.release();
  }
});

test('who may not administer is refused, and told so without the password', { skip }, async () => {
  const agent: KafkaConnection = { ...admin, sasl: login('second') };
  for (const work of [() => setScramPassword(agent, { ...login('secret-of-another'), username: 'admin' }), () => scramMechanismsOf(agent, 'admin')]) {
    await assert.rejects(work(), (error) => error instanceof BlackboardError && error.code === 'KAFKA_UNAVAILABLE' && /CLUSTER_AUTHORIZATION_FAILED/.test(error.message) && !error.message.includes('secret-of-another'));
  }
});

test('a user that is removed logs in no more, and is removed again without harm', { skip, timeout: 60_000 }, async () => {
  const gone = { ...login('gone'), username: 'gone' };
  await setScramPassword(admin, gone);
  assert.equal(await whenLoginWorks(admin, gone), 'works');
  assert.equal(await opensUnlisted(admin, gone), false);
  assert.deepEqual(await removeScramUser(admin, 'gone'), ['scram-sha-256']);
  assert.deepEqual(await removeScramUser(admin, 'gone'), []);
  while (await tryLogin(admin, gone) !== 'refused');
});
