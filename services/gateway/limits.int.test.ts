import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { topicNames } from '../../topics/topics.js';
import type { BodyStore } from '../runtime/body-store.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { Keyring } from '../runtime/keyring.js';
import type { LogPort } from '../runtime/log/port.js';
import { MemoryLogStore } from '../runtime/log/memory/memory-log.js';
import { createLogger } from '../runtime/logger.js';
import { projectRoot } from '../runtime/project-root.js';
import { gatewayLimits } from './authorize.js';
import { startGateway } from './start-gateway.js';
import { checkpointed, epochStarted, jobOf, stepRequested } from './testing-facts.js';
import { signedHeaders } from './testing-proof.js';

test('puts that come together share the limit of bodies, and give back what the store refuses', async (context) => {
  const topics = topicNames('test.');
  const codec = embeddedCodec(join(projectRoot, 'schemas'));
  const log = new MemoryLogStore({ topics: [{ name: topics.verified, partitions: 1 }] }).open();
  const facts = [epochStarted(), checkpointed({ timeMs: 0 }), stepRequested({ expiresAtMs: 9000 })];
  await log.append({ topic: topics.verified, partition: 0, records: facts.map((fact) => ({ key: Buffer.from(fact.job), value: codec.encode(fact) })) });
  let refuse: (error: Error) => void = () => undefined;
  let answer: Promise<void> = new Promise((_, reject) => { refuse = reject; });
  const bodies: BodyStore = { put: () => answer, get: () => Promise.resolve(null), close: () => Promise.resolve() };
  const keyring = new Keyring(['gateway', 'researcher'].map((principal) => ({ principal, keyId: 'k1', secret: randomBytes(32) })));
  const gateway = await startGateway({ log, codec, keyring, topics, bodies, models: null, port: 0, host: '127.0.0.1', logger: createLogger({ service: 'gateway' }) });
  context.after(async () => {
    refuse(new Error('over'));
    await gateway.close();
    await log.close();
  });
  const put = async (): Promise<number> => {
    const body = Buffer.concat(Array.from({ length: 256 }, () => Buffer.concat([Buffer.from([0, 0, 0, 8]), randomBytes(8)])));
    const name = { job: jobOf('one'), instance: 5, step: 'research', attempt: 1, request: 'v/0/2' };
    const sent = { method: 'PUT', path: '/v1/bodies', body, as: 'researcher', name };
    const { status } = await fetch(gateway.url + sent.path, { method: 'PUT', body: new Uint8Array(body), headers: { ...signedHeaders(keyring, sent), 'content-type': 'application/octet-stream' } });
    return status;
  };
  const fitting = gatewayLimits.stepBodiesMax / 256;
  const together = Array.from({ length: fitting + 3 }, put);
  const refused: number[] = [];
  // Those over the limit are refused although the store has not answered for the others.
  await new Promise<void>((resolve) => {
    for (const one of together) void one.then((status) => { if (refused.push(status) === 3) resolve(); });
    setTimeout(resolve, 30_000).unref();
  });
  assert.deepEqual(refused, [403, 403, 403]);
  refuse(new Error('the disk is full'));
  assert.deepEqual((await Promise.all(together)).sort(), [403, 403, 403, ...Array.from({ length: fitting }, () => 503)]);
  answer = Promise.resolve();
  assert.deepEqual(await Promise.all(Array.from({ length: fitting }, put)), Array.from({ length: fitting }, () => 200));
  assert.equal(await put(), 403);
});

test('joins with a session that lets it read again soon after the broker has lost sight of it', async () => {
  const topics = topicNames('test.');
  const log = new MemoryLogStore({ topics: [{ name: topics.verified, partitions: 1 }] }).open();
  const sessions: (number | undefined)[] = [];
  const watched: LogPort = {
    append: (batch) => log.append(batch), read: (options) => log.read(options), ranges: (topic) => log.ranges(topic), close: () => log.close(),
    join: (membership) => {
      sessions.push(membership.sessionTimeoutMs);
      return log.join(membership);
    },
  };
  const bodies: BodyStore = { put: () => Promise.resolve(), get: () => Promise.resolve(null), close: () => Promise.resolve() };
  const parts = { log: watched, codec: embeddedCodec(join(projectRoot, 'schemas')), keyring: new Keyring([{ principal: 'gateway', keyId: 'k1', secret: randomBytes(32) }]), topics, bodies, models: null, port: 0, host: '127.0.0.1', logger: createLogger({ service: 'gateway' }) };
  for (const settings of [{}, { sessionTimeoutMs: 30_000 }, { sessionTimeoutMs: 4_000 }]) await (await startGateway({ ...parts, ...settings })).close();
  await log.close();
  assert.deepEqual(sessions, [6_000, 6_000, 4_000]);
});
