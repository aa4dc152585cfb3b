// A blackboard on a broker that asks everybody who they are, made by the commands alone: every service, the agents that
// ship and one of one's own work under users of their own, and none of them can do more than that.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startBroker, type LocalBroker } from '../../infra/local/broker.js';
import { whatIsMissing } from '../../infra/local/for-tests.js';
import { entryText, toEntry } from '../../infra/topics/acl-drift.js';
import { allAcls } from '../../infra/topics/acls.js';
import { withAdmin } from '../../infra/topics/admin.js';
import { makeGrants } from '../../infra/topics/testing-grants.js';
import { groupName } from '../../topics/groups.js';
import { BlackboardError } from '../runtime/errors.js';
import { rootCause } from '../runtime/log/kafka/kafka-error.js';
import { kafkaLog } from '../runtime/log/kafka/kafka-log.js';
import { parseKeys } from '../runtime/keys.js';
import { projectRoot } from '../runtime/project-root.js';
import { Cluster, type RunningService, type Service } from '../testing/cluster.js';
import { runCommand } from './main.js';

const skip = (await whatIsMissing({ kafka: true, registry: true, postgres: true })) ?? false;
const example = join(projectRoot, 'examples/third-party-agent');
const shipped = ['orchestrator', 'gateway', 'ingress', 'projector', 'snapshots', 'noop'];
const mine = { BLACKBOARD_PRINCIPALS: join(example, 'principals.json') };

let broker: LocalBroker;
let cluster: Cluster;
let folder: string;
let keys: string;
let ingress: string;
/** Of everything that a command said. */
let said = '';

interface Ran { readonly code: number | null; readonly out: string; readonly err: string }

/** One command line, as the administrator unless `env` says otherwise. */
async function blackboard(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const { name, password } = broker.admin!;
  const ran = { out: '', err: '' };
  const terminal = {
    out: (text: string) => { ran.out += text; }, err: (text: string) => { ran.err += text; },
    columns: 160, rows: 50, isInteractive: false, isErrInteractive: false, colors: new Proxy({}, { get: () => (text: string) => text }) as never,
  };
  const code = await runCommand(args, {
    terminal, stopped: new AbortController().signal, readStdin: () => Promise.resolve(Buffer.alloc(0)),
    env: { ...cluster.env, DATABASE_URL: '', KAFKA_SASL_MECHANISM: 'scram-sha-256', KAFKA_USERNAME: name, KAFKA_PASSWORD: password, ...env },
  });
  said += ran.out + ran.err;
  return { code, ...ran };
}

function loginOf(user: string): Record<string, string> {
  return { KAFKA_SASL_MECHANISM: 'scram-sha-256', KAFKA_USERNAME: user, KAFKA_PASSWORD: '', KAFKA_PASSWORD_FILE: join(keys, `${user}.kafka-password`) };
}

function startAs(user: string, service: Service, over: Readonly<Record<string, string>> = {}): Promise<RunningService> {
  const keyFile = service === 'orchestrator' || service === 'gateway' ? 'all' : user;
  return cluster.start(service, { ...loginOf(user), BLACKBOARD_KEYS_FILE: join(keys, `${keyFile}.json`), ...over });
}

before(async () => {
  if (skip !== false) return;
  broker = await startBroker({ security: 'scram' });
  const { name: username, password } = broker.admin!;
  cluster = await Cluster.open({ name: 'logins', partitions: 2, servers: { bootstrap: broker.bootstrap }, sasl: { mechanism: 'scram-sha-256', username, password: { reveal: () => password } } });
  folder = mkdtempSync(join(tmpdir(), 'blackboard-credentials-'));
  keys = join(folder, 'keys');
});

after(async () => {
  if (skip !== false) return;
  await cluster.close();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('lists that are missing are named and end the check with 6; applied they are as they should be, and nothing is done twice', { skip }, async () => {
  const before = await blackboard(['topics', 'check', '--acls']);
  assert.equal(before.code, 6);
  assert.match(before.out, /^the broker matches the topology\n(missing .*\n)*missing +User:orchestrator may WRITE topic \S+verified\n/);
  assert.match(before.err, /topics apply --acls/);
  const made = await blackboard(['topics', 'apply', '--acls', '--json']);
  assert.equal(made.code, 0, made.err);
  const { acls } = JSON.parse(made.out) as { acls: { created: object[]; unchanged: number; surplus: string[] } };
  assert.deepEqual([acls.unchanged, acls.surplus], [0, []]);
  assert.deepEqual([(await blackboard(['topics', 'check', '--acls'])).code], [0]);
  const again = JSON.parse((await blackboard(['topics', 'apply', '--acls', '--json'])).out) as { acls: { created: object[]; unchanged: number } };
  assert.deepEqual([again.acls.created.length, again.acls.unchanged], [0, acls.created.length]);
  assert.equal((await blackboard(['topics', 'check', '--json'])).out, '[]\n');
});

test('credentials of services that ship and of an agent of one\'s own are made once, in files for their owner alone', { skip }, async () => {
  assert.equal((await blackboard(['keys', keys])).code, 0);
  const services = await blackboard(['credentials', 'make', keys, ...shipped]);
  assert.equal(services.code, 0, services.err);
  const own = ['credentials', 'make', keys, 'word-counter', '--gate-keys', join(keys, 'all.json'), '--json'];
  const first = JSON.parse((await blackboard(own, mine)).out) as Record<string, unknown>;
  assert.deepEqual([first['role'], first['opensUnlisted']], ['agent', false]);
  const all = readFileSync(join(keys, 'all.json'), 'utf8');
  assert.ok(parseKeys(all, 'all').some(({ principal }) => principal === 'word-counter'));
  const files = (): readonly (readonly [string, string])[] => readdirSync(keys).map((name) => [name, readFileSync(join(keys, name), 'utf8')]);
  const before = files();
  for (const [name] of before) assert.equal(statSync(join(keys, name)).mode & 0o777, 0o600, name);
  const second = JSON.parse((await blackboard(own, mine)).out) as { password: object; key: object; acls: object };
  assert.deepEqual([second.password, second.key, second.acls], [
    { file: join(keys, 'word-counter.kafka-password'), change: 'unchanged', voided: [], login: 'works' },
    { file: join(keys, 'word-counter.json'), change: 'unchanged', gate: 'unchanged' },
    { created: [], unchanged: 5 },
  ]);
  assert.deepEqual(files(), before);
  const checked = await blackboard(['topics', 'check', '--acls'], mine);
  assert.equal(checked.code, 0, checked.out);
  const unnamed = await blackboard(['topics', 'check', '--acls']);
  assert.equal(unnamed.code, 6, 'an agent that no file names is surplus');
  assert.match(unnamed.err, /BLACKBOARD_PRINCIPALS was not set: /);
});

test('a user that is there, and whose password is not, is left alone unless a new one is asked for', { skip }, async () => {
  const elsewhere = join(folder, 'elsewhere');
  const refused = await blackboard(['credentials', 'make', elsewhere, 'noop', '--json']);
  assert.equal(refused.code, 4, refused.out);
  assert.match(refused.out, /--reset-password/);
  writeFileSync(join(folder, 'noop.kafka-password'), 'not the one\n');
  assert.equal((await blackboard(['credentials', 'make', folder, 'noop'])).code, 4);
  const passwords = (): string => readFileSync(join(keys, 'noop.kafka-password'), 'utf8');
  const old = passwords();
  assert.equal((await blackboard(['credentials', 'make', keys, 'noop', '--reset-password'])).code, 0);
  assert.notEqual(passwords(), old);
  writeFileSync(join(folder, 'noop.kafka-password'), old);
  assert.equal((await blackboard(['credentials', 'make', folder, 'noop'])).code, 4, 'the old password is void');
  for (const wrong of [['credentials', 'make', keys, 'noop', '--role', 'operator'], ['credentials', 'make', keys, 'x', '--role', 'orchestrator'], ['credentials', 'make', keys, 'No Name'], ['credentials', 'make', keys, 'admin']]) {
    assert.equal((await blackboard(wrong)).code, 2, wrong.join(' '));
  }
});

test('a key is replaced under the password that is in force', { skip }, async () => {
  const [replaced, gate] = [join(folder, 'replaced'), join(folder, 'all.json')];
  mkdirSync(replaced);
  copyFileSync(join(keys, 'word-counter.kafka-password'), join(replaced, 'word-counter.kafka-password'));
  copyFileSync(join(keys, 'all.json'), gate);
  const made = await blackboard(['credentials', 'make', replaced, 'word-counter', '--key-id', 'k2', '--gate-keys', gate, '--json'], mine);
  assert.equal(made.code, 0, made.err);
  const { password, key } = JSON.parse(made.out) as { password: { change: string; voided: string[]; login: string }; key: { change: string; gate: string } };
  assert.deepEqual([password.change, password.voided, password.login, key.change, key.gate], ['unchanged', [], 'works', 'made', 'added']);
  assert.deepEqual(parseKeys(readFileSync(gate, 'utf8'), 'gate').filter(({ principal }) => principal === 'word-counter').map(({ keyId }) => keyId), ['k1', 'k2']);
});

test('a service with another partition count than the topics does not start', { skip, timeout: 60_000 }, async () => {
  await assert.rejects(startAs('orchestrator', 'orchestrator', { BLACKBOARD_PARTITIONS: '4' }), /ended with 1: .*TOPOLOGY_DRIFT: .* has 2 partitions, and BLACKBOARD_PARTITIONS is 4/s);
});

test('jobs run through with each service under a user of its own, an agent of one\'s own among them', { skip, timeout: 180_000 }, async () => {
  const gateway = cluster.urlOf(await startAs('gateway', 'gateway', { GATEWAY_PORT: '0' }));
  const [door] = await Promise.all([
    startAs('ingress', 'ingress', { INGRESS_PORT: '0', GATEWAY_URL: gateway }),
    startAs('orchestrator', 'orchestrator', { ...mine, BLACKBOARD_WORKFLOWS: join(example, 'workflows') }),
    startAs('projector', 'projector'), startAs('snapshots', 'snapshots'),
    startAs('noop', 'agents', { AGENTS: 'noop', GATEWAY_URL: gateway }),
    startAs('word-counter', 'agents', { AGENTS: 'word-counter', AGENT_MODULES: join(example, 'agent.mjs'), GATEWAY_URL: gateway }),
  ]);
  ingress = cluster.urlOf(door);
  // Undecodable: for the dead letters, which the orchestrator writes and an operator reads.
  await cluster.log.append({ topic: cluster.topics.quarantine, partition: 0, records: [{ key: Buffer.from('x'), value: Buffer.from('garbage') }] });
  for (const [workflow, params] of [['noop', {}], ['count-words', { text: 'The quick brown fox' }]] as const) {
    const submitted = await fetch(`${ingress}/v1/jobs`, { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': workflow }, body: JSON.stringify({ workflow, params }) });
    assert.equal(submitted.status, 202, await submitted.clone().text());
    const { job } = await submitted.json() as { job: string };
    const { outcome } = await (await fetch(`${ingress}/v1/jobs/${job}/result?wait=60`)).json() as { outcome: string };
    assert.equal(outcome, 'completed', workflow);
  }
});

test('an operator reads facts, claims and dead letters, and writes none', { skip, timeout: 60_000 }, async () => {
  const made = await blackboard(['credentials', 'make', keys, 'ops', '--role', 'operator']);
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /\{"ops": \{"role":"operator"\}\}/);
  writeFileSync(join(folder, 'principals.json'), JSON.stringify({ ops: { role: 'operator' }, 'word-counter': { role: 'agent', agent: 'word-counter' } }));
  assert.equal((await blackboard(['topics', 'check', '--acls'], { BLACKBOARD_PRINCIPALS: join(folder, 'principals.json') })).code, 0);
  const verified = await blackboard(['verify', '--kafka'], loginOf('ops'));
  assert.equal(verified.code, 0, verified.out + verified.err);
  const letters = await blackboard(['dead-letter', 'list', '--kafka', '--json'], loginOf('ops'));
  assert.equal(letters.code, 0, letters.err);
  assert.equal(letters.out.trim().split('\n').length, 1);
  assert.notEqual((await blackboard(['dead-letter', 'redrive', '0', '--kafka', '--yes'], loginOf('ops'))).code, 0);
  assert.equal((await blackboard(['topics', 'apply', '--acls'], loginOf('ops'))).code, 5, 'and administers nothing');
});

test('an agent of one\'s own cannot write facts, read claims, or take the place of another, and nothing once it is shut out', { skip, timeout: 60_000 }, async () => {
  const password = readFileSync(join(keys, 'word-counter.kafka-password'), 'utf8').trim();
  const log = kafkaLog({ brokers: [broker.bootstrap], clientId: 'thief', sendTimeoutMs: 5_000, sasl: { mechanism: 'scram-sha-256', username: 'word-counter', password: { reveal: () => password } } });
  const { verified, control, deadLetter, quarantine, prefix } = cluster.topics;
  try {
    for (const topic of [verified, control, deadLetter]) {
      await assert.rejects(log.append({ topic, partition: 0, records: [{ key: Buffer.from('x'), value: Buffer.from('x') }] }), (error) => error instanceof BlackboardError && error.code === 'APPEND_REFUSED', topic);
    }
    await assert.rejects((async () => { for await (const _ of log.read({ topic: quarantine, partition: 0, from: 0 })) break; })(), (error) => rootCause(error).type === 'TOPIC_AUTHORIZATION_FAILED');
    for (const group of [groupName({ name: 'noop', role: 'agent' }, prefix), groupName({ name: '', role: 'orchestrator' }, prefix), `${groupName({ name: '', role: 'projector' }, prefix)}.snapshots`]) {
      await assert.rejects(log.join({ group, topics: [verified], onAssigned: () => undefined, onBatch: () => undefined, onHalt: () => undefined }), (error) => rootCause(error).type === 'GROUP_AUTHORIZATION_FAILED', group);
    }
    for await (const _ of log.read({ topic: verified, partition: 0, from: 0 })) break;
    assert.match((await blackboard(['credentials', 'revoke', 'word-counter'])).out, /would take 5 access lists and 1 password away/);
    assert.match((await blackboard(['credentials', 'revoke', 'word-counter', '--yes'])).out, /5 access lists and 1 password taken away/);
    await assert.rejects((async () => { for (;;) for await (const _ of log.read({ topic: verified, partition: 0, from: 0 })) break; })(), (error) => rootCause(error).type === 'TOPIC_AUTHORIZATION_FAILED', 'its connection is open, and opens nothing');
    assert.equal((await blackboard(['credentials', 'revoke', 'word-counter', '--yes'])).code, 3, 'nothing is left to take');
  } finally {
    await log.close();
  }
});

test('who is shut out loses all that the broker gives it here, whoever gave it, and what shuts it out stays', { skip, timeout: 60_000 }, async () => {
  const { name: username, password } = broker.admin!;
  const admin = { brokers: [broker.bootstrap], clientId: 'grants', sasl: { mechanism: 'scram-sha-256', username, password: { reveal: () => password } } } as const;
  const row = { principal: 'User:Mallory', operation: 'WRITE', resource: 'topic', pattern: 'literal', name: cluster.topics.verified } as const;
  const [allow, deny] = [{ ...toEntry(row), host: '127.0.0.1' }, { ...toEntry(row), permissionType: 2 }];
  await makeGrants(admin, [allow, deny, { ...allow, resourceName: 'orders' }]);
  const found = await blackboard(['topics', 'check', '--acls'], mine);
  assert.match(found.out, /surplus +User:Mallory ALLOW WRITE on TOPIC LITERAL \S+verified from 127\.0\.0\.1\n/);
  assert.match(found.out, /surplus +User:ops ALLOW READ on TOPIC LITERAL \S+quarantine /, 'an operator that no file names');
  assert.match(found.err, /kafka-acls\.sh --remove, or name its user in BLACKBOARD_PRINCIPALS or by --administrator\n$/);
  const looked = await blackboard(['credentials', 'revoke', 'User:Mallory', '--user-prefix', 'acme-', '--json'], mine);
  assert.deepEqual(JSON.parse(looked.out), { user: 'Mallory', acls: [entryText(allow)], passwords: [], done: false });
  const taken = await blackboard(['credentials', 'revoke', 'User:Mallory', 'ops', 'projector', 'opps', '--yes'], { BLACKBOARD_PRINCIPALS: join(folder, 'no such file') });
  assert.equal(taken.code, 3, 'one of them is nobody');
  assert.match(taken.err, /of User:opps\n/);
  assert.match(taken.out, /^Mallory: 1 access list and 0 passwords taken away\n.*\nops: 6 access lists and 1 password taken away\n/);
  assert.match(taken.err, /gives lists to projector again/);
  const left = (await withAdmin(admin, (client) => allAcls(admin, client))).map(entryText);
  assert.deepEqual(left.filter((text) => /^User:(Mallory|ops|projector) /.test(text)).sort(), [{ ...allow, resourceName: 'orders' }, deny].map(entryText).sort());
});

test('no command has said a secret', { skip }, () => {
  const secrets = readdirSync(keys).flatMap((name) => {
    const text = readFileSync(join(keys, name), 'utf8');
    return name.endsWith('.json') ? (JSON.parse(text) as { secret: string }[]).map(({ secret }) => secret) : [text.trim()];
  });
  assert.ok(secrets.length > 15);
  assert.deepEqual([...secrets, broker.admin!.password].filter((secret) => said.includes(secret)), []);
});
