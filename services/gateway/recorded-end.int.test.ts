import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Fact } from '../../schemas/generated/events.js';
import { topicNames } from '../../topics/topics.js';
import { contentHash } from '../blackboard/ids.js';
import type { AttemptName } from '../blackboard/signed-text.js';
import type { BodyStore } from '../runtime/body-store.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { Keyring } from '../runtime/keyring.js';
import { MemoryLogStore } from '../runtime/log/memory/memory-log.js';
import type { LogPort } from '../runtime/log/port.js';
import { createLogger } from '../runtime/logger.js';
import { projectRoot } from '../runtime/project-root.js';
import { startGateway, type Gateway } from './start-gateway.js';
import { checkpointed, epochStarted, jobEnded, jobOf, stepRequested } from './testing-facts.js';
import { signedHeaders } from './testing-proof.js';

const topics = topicNames('test.');
const codec = embeddedCodec(join(projectRoot, 'schemas'));
const memory = new MemoryLogStore({ topics: [{ name: topics.verified, partitions: 2 }] }).open();
/** Places at which one record was read, and whether the log answers. */
const readAt: number[] = [];
let logIsDown = false;
const log: LogPort = {
  append: (batch) => memory.append(batch), join: (membership) => memory.join(membership), ranges: (topic) => memory.ranges(topic), close: () => memory.close(),
  read: (options) => {
    if (logIsDown) throw new Error('down');
    readAt.push(options.from);
    return memory.read(options);
  },
};
const [result, other] = [Buffer.from('result'), Buffer.from('other')];
const kept = new Map([result, other].map((bytes) => [contentHash(bytes), bytes]));
const bodies: BodyStore = { put: () => Promise.resolve(), get: (hash) => Promise.resolve(kept.get(hash) ?? null), close: () => Promise.resolve() };
const keyring = new Keyring(['gateway', 'researcher', 'ingress'].map((principal) => ({ principal, keyId: 'k1', secret: randomBytes(32) })));
let gateway: Gateway;

const say = (partition: number, ...facts: readonly Fact[]) => memory.append({ topic: topics.verified, partition, records: facts.map((fact) => ({ key: Buffer.from(fact.job), value: codec.encode(fact) })) });

before(async () => {
  await say(0,
    epochStarted(), checkpointed({ timeMs: 0 }), stepRequested({ job: jobOf('one'), expiresAtMs: 9000 }),
    jobEnded({ job: jobOf('one'), hash: contentHash(result) }), jobEnded({ job: jobOf('two'), hash: contentHash(other) }), jobEnded({ job: jobOf('none'), hash: '' }),
    // Behind the remember window of all of them.
    checkpointed({ timeMs: 100_000 }));
  // No policy: nobody has a role there.
  await say(1, epochStarted(), jobEnded({ job: jobOf('elsewhere'), hash: contentHash(result) }), jobEnded({ job: jobOf('later'), hash: '', atMs: 200_000_000 }));
  gateway = await startGateway({ log, codec, keyring, topics, bodies, models: null, port: 0, host: '127.0.0.1', logger: createLogger({ service: 'gateway' }), waitMsMax: 300 });
  while ((await fetch(`${gateway.url}/health`)).status !== 200) await new Promise((resolve) => { setTimeout(resolve, 10); });
  readAt.length = 0;
});

after(async () => {
  await gateway.close();
  await memory.close();
});

async function get(request: string, over: Partial<AttemptName> & { readonly as?: string; readonly bytes?: Buffer } = {}): Promise<{ readonly status: number; readonly bytes: Buffer }> {
  const { as = 'ingress', bytes = result, ...names } = over;
  const name = { job: jobOf('one'), instance: 5, step: '', attempt: 0, request, ...names };
  const path = `/v1/bodies/${contentHash(bytes)}`;
  const response = await fetch(gateway.url + path, { headers: signedHeaders(keyring, { method: 'GET', path, as, name }) });
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}

test('ingress reads a result that is not remembered any more when it names the record of the end', async () => {
  assert.equal((await get('')).status, 404);
  assert.deepEqual(await get('v/0/3'), { status: 200, bytes: result });
  assert.deepEqual(await get('v/0/4', { job: jobOf('two'), bytes: other }), { status: 200, bytes: other });
});

test('a record opens no other body, job or life than its own, and only the end of a job opens one', async () => {
  for (const asked of [
    get('v/0/3', { bytes: other }), get('v/0/4'), get('v/0/4', { bytes: other }), get('v/0/3', { instance: 6 }), get('v/0/2'), get('v/0/5', { job: jobOf('none') }), get('v/1/1', { job: jobOf('elsewhere') }),
    get('v/0/3', { attempt: 1 }), get('v/0/3', { step: 'research' }),
  ]) assert.equal((await asked).status, 404);
});

test('who is not ingress reads nothing, and causes no read of the log', async () => {
  readAt.length = 0;
  assert.equal((await get('v/0/3', { as: 'researcher' })).status, 404);
  assert.deepEqual(readAt, []);
});

test('a place that is not in the log yet, and a log that does not answer, are a 503', async () => {
  assert.equal((await get('v/0/99')).status, 503);
  logIsDown = true;
  try {
    assert.equal((await get('v/0/3')).status, 503);
  } finally {
    logIsDown = false;
  }
});
