// A password that may be in force is in a file, whatever the network does; and who is shut out is shut out as far as a
// broker can.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import kafkajs from 'kafkajs';
import { startBroker, type LocalBroker } from '../../infra/local/broker.js';
import { sharedBroker, whatIsMissing } from '../../infra/local/for-tests.js';
import { removeGrantsOfUser, type BrokerPrincipal } from '../../infra/topics/acls.js';
import { scramMechanismsOf, setScramPassword, whenLoginWorks } from '../../infra/topics/scram-users.js';
import { makeGrants } from '../../infra/topics/testing-grants.js';
import { FaultProxy } from '../runtime/log/kafka/fault-proxy.js';
import type { KafkaConnection } from '../runtime/log/kafka/kafka-client.js';
import { CliError, exitCodes } from './exit-codes.js';
import { runCommand } from './main.js';
import { makeCredentials, type CredentialWants } from './make-credentials.js';

const skip = (await whatIsMissing({ kafka: true })) ?? false;
const { AclOperationTypes: operations } = kafkajs;
const secret = (text: string): { reveal(): string } => ({ reveal: () => text });
/** With a user name of 200 letters no request is as large as the one that sets the password: that is how the proxy tells it. */
const setsPasswordBytes = 270;
let broker: LocalBroker;
let folder: string;

function as(username: string): KafkaConnection {
  return { brokers: [broker.bootstrap], clientId: 'reset', sasl: { mechanism: 'scram-sha-256', username, password: secret(`${username}-secret`) } };
}

async function grantOnCluster(user: string, ...granted: readonly number[]): Promise<void> {
  await makeGrants(as('admin'), granted.map((operation) => ({ principal: `User:${user}`, host: '*', operation, permissionType: 3, resourceType: 4, resourceName: 'kafka-cluster', resourcePatternType: 3 })));
}

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'blackboard-reset-'));
  broker = await startBroker({ security: 'scram', users: ['admin', 'helper', 'onlooker'].map((name) => ({ name, password: `${name}-secret` })) });
});
after(async () => {
  if (skip !== false) return;
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

function wants(dir: string, resetPassword: boolean): CredentialWants {
  return { dir: join(folder, dir), keyId: 'k1', mechanism: 'scram-sha-256', prefix: 'bb.', resetPassword };
}

const filesIn = (dir: string): readonly (readonly [string, string])[] => readdirSync(join(folder, dir)).sort().map((name) => [name, readFileSync(join(folder, dir, name), 'utf8').trim()]);

test('a new password whose fate is not known lies beside the old one, and the error says where', { skip, timeout: 60_000 }, async () => {
  const ops: BrokerPrincipal = { name: 'o'.repeat(64), user: 'o'.repeat(200), role: 'operator' };
  await makeCredentials(as('admin'), ops, wants('unknown', false));
  const [old] = filesIn('unknown');
  await grantOnCluster('helper', operations.ALTER, operations.DESCRIBE);
  const proxy = await FaultProxy.open({ host: '127.0.0.1', port: broker.port });
  try {
    proxy.requestBytesMin = setsPasswordBytes;
    proxy.mode = 'cutOnReply';
    const reset = makeCredentials({ ...as('helper'), translateAddress: () => proxy.address }, ops, wants('unknown', true)).then(() => assert.fail('it was said to be done'), (error: unknown) => error);
    while (proxy.losses === 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
    // A refusal of the next try says nothing of the one that was not answered.
    await removeGrantsOfUser(as('admin'), 'helper', 'bb.');
    proxy.mode = 'pass';
    const error = await reset;
    assert.ok(error instanceof CliError && error.exit === 'unavailable', String(error));
    const [kept, beside, ...more] = filesIn('unknown');
    assert.deepEqual([kept, more], [old, []]);
    assert.ok(error.message.includes(join(folder, 'unknown', beside![0])), error.message);
    assert.match(error.message, /CLUSTER_AUTHORIZATION_FAILED/);
    assert.equal(await whenLoginWorks(as('admin'), { username: ops.user!, mechanism: 'scram-sha-256', password: secret(beside![1]) }), 'works', 'it was the only copy of the password in force');
  } finally {
    await proxy.close();
  }
});

test('a new password that is in force and cannot take its place is kept, and the error says where', { skip, timeout: 60_000 }, async () => {
  const ops: BrokerPrincipal = { name: 'o'.repeat(64), user: 'p'.repeat(200), role: 'operator' };
  const { password: { file } } = await makeCredentials(as('admin'), ops, wants('in-the-way', false));
  const proxy = await FaultProxy.open({ host: '127.0.0.1', port: broker.port });
  try {
    proxy.requestBytesMin = setsPasswordBytes;
    proxy.mode = 'cutOnReply';
    const reset = makeCredentials({ ...as('admin'), translateAddress: () => proxy.address }, ops, wants('in-the-way', true)).then(() => assert.fail('it was said to be done'), (error: unknown) => error);
    while (proxy.losses === 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
    rmSync(file);
    mkdirSync(file);
    proxy.mode = 'pass';
    const error = await reset;
    const beside = readdirSync(join(folder, 'in-the-way')).map((name) => join(folder, 'in-the-way', name)).find((path) => path !== file)!;
    assert.ok(error instanceof CliError && error.message.includes('is in force, and could not take the place of the old one') && error.message.endsWith(beside), String(error));
    assert.equal(await whenLoginWorks(as('admin'), { username: ops.user!, mechanism: 'scram-sha-256', password: secret(readFileSync(beside, 'utf8').trim()) }), 'works');
  } finally {
    await proxy.close();
  }
});

test('a new password that the broker refuses leaves nothing', { skip, timeout: 60_000 }, async () => {
  const ops: BrokerPrincipal = { name: 'ops', role: 'operator' };
  await makeCredentials(as('admin'), ops, wants('refused', false));
  const old = filesIn('refused');
  await grantOnCluster('onlooker', operations.DESCRIBE);
  await assert.rejects(makeCredentials(as('onlooker'), ops, wants('refused', true)), /CLUSTER_AUTHORIZATION_FAILED/);
  assert.deepEqual(filesIn('refused'), old);
});

test('a reset voids the passwords of all mechanisms', { skip, timeout: 60_000 }, async () => {
  const ops: BrokerPrincipal = { name: 'seen', role: 'operator' };
  await setScramPassword(as('admin'), { username: 'seen', mechanism: 'scram-sha-512', password: secret('seen by others') });
  const made = await makeCredentials(as('admin'), ops, wants('seen', true));
  assert.deepEqual([made.password.change, made.password.voided], ['made', ['scram-sha-512']]);
  assert.deepEqual(await scramMechanismsOf(as('admin'), 'seen'), ['scram-sha-256']);
  await setScramPassword(as('admin'), { username: 'seen', mechanism: 'scram-sha-512', password: secret('another') });
  assert.deepEqual((await makeCredentials(as('admin'), ops, wants('seen', false))).password.voided, [], 'none that was not asked for');
  assert.deepEqual((await makeCredentials(as('admin'), ops, wants('seen', true))).password.voided, ['scram-sha-512']);
});

test('where a broker keeps no access lists, who is shut out loses its password all the same, and the failure is told', { skip, timeout: 60_000 }, async () => {
  const open = await sharedBroker();
  try {
    const user = `gone-${randomBytes(4).toString('hex')}`;
    const nobody = { brokers: [open.bootstrap], clientId: 'reset' };
    await setScramPassword(nobody, { username: user, mechanism: 'scram-sha-256', password: secret('x') });
    const said = { out: '', err: '' };
    const terminal = {
      out: (text: string) => { said.out += text; }, err: (text: string) => { said.err += text; },
      columns: 160, rows: 50, isInteractive: false, isErrInteractive: false, colors: new Proxy({}, { get: () => (text: string) => text }) as never,
    };
    const code = await runCommand(['credentials', 'revoke', user, '--yes'], { terminal, stopped: new AbortController().signal, readStdin: () => Promise.resolve(Buffer.alloc(0)), env: { KAFKA_BROKERS: open.bootstrap } });
    assert.equal(code, exitCodes.diverged, said.err);
    assert.equal(said.out, `${user}: 0 access lists and 1 password taken away\n`);
    assert.match(said.err, new RegExp(`access lists of ${user} may be in force still: .*keeps no access lists`));
    assert.deepEqual(await scramMechanismsOf(nobody, user), []);
  } finally {
    await open.release();
  }
});
