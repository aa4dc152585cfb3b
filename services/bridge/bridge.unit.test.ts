import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JobSubmitted } from '../../schemas/generated/events.js';
import { topicNames } from '../../topics/topics.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { Keyring } from '../runtime/keyring.js';
import { makeKeys } from '../runtime/keys.js';
import { createLogger } from '../runtime/logger.js';
import type { ForeignConsumption, ForeignRecord, ForeignSource } from '../runtime/log/foreign-source.js';
import { MemoryLogStore, type AppendFault } from '../runtime/log/memory/memory-log.js';
import type { LogPort } from '../runtime/log/port.js';
import { projectRoot } from '../runtime/project-root.js';
import { bridgeMapSchema } from './bridge-map.js';
import { startBridge, type Bridge } from './bridge.js';

const topics = topicNames();
const codec = embeddedCodec(join(projectRoot, 'schemas'));
const keyring = new Keyring(makeKeys(['bridge'], 'k1'));
const map = bridgeMapSchema.parse({ name: 'crm', source: { topic: 'crm', format: 'json' }, tenant: 'acme', workflow: 'noop', params: { question: { from: '/q', type: 'string' } } });

interface World {
  readonly log: LogPort;
  readonly bridge: Bridge;
  /** As a source does: resolves when it may store the position, rejects when the bridge gave up. */
  deliver(records: readonly ForeignRecord[]): Promise<void>;
}

async function world(faults: readonly AppendFault[] | AppendFault, tryForMs = 60_000): Promise<World> {
  const left = [...(typeof faults === 'string' ? [] : faults as readonly AppendFault[])];
  const store = new MemoryLogStore({ topics: [{ name: topics.quarantine, partitions: 2 }], faults: { onAppend: () => (typeof faults === 'string' ? faults : left.shift() ?? 'ok') } });
  const log = store.open();
  let told: ForeignConsumption | undefined;
  const source: ForeignSource = { consume: async (consumption) => {
    told = consumption;
    return { close: async () => undefined };
  } };
  const bridge = await startBridge({ source, group: 'g', map, avro: null, log, codec, keyring, topics, partitions: 2, logger: createLogger({ service: 'test', level: 'silent' }), sessionTimeoutMs: 6_000, tryForMs });
  return { log, bridge, deliver: (records) => (told as ForeignConsumption).onBatch(records) };
}

async function submissions(log: LogPort): Promise<readonly JobSubmitted[]> {
  const found: JobSubmitted[] = [];
  for (const { partition } of await log.ranges(topics.quarantine)) {
    for await (const batch of log.read({ topic: topics.quarantine, partition, from: 0 })) {
      for (const { key, value } of batch) {
        const decoded = codec.decode(value);
        assert.ok(decoded.ok && decoded.event.type === 'JobSubmitted' && key.toString() === decoded.event.job);
        const { event, body, schema } = decoded;
        assert.ok(keyring.verify(event.signer, event.signature, schema.fingerprint, body.subarray(0, body.length - event.signature.length - 1)));
        found.push(event);
      }
    }
  }
  return found;
}

const record = (offset: number, text = '{"q":"?"}'): ForeignRecord => ({ partition: 0, offset, value: Buffer.from(text) });

test('a batch is safe only when every record is acknowledged; appends of unknown outcome are made again under the same key', async () => {
  const { log, bridge, deliver } = await world(['unknownWritten', 'unknownLost', 'refuse']);
  await deliver([record(0), record(1), record(2)]);
  const keys = (await submissions(log)).map((claim) => claim.idempotencyKey);
  assert.deepEqual([...new Set(keys)].sort(), ['crm/crm/0/0', 'crm/crm/0/1', 'crm/crm/0/2']);
  // The one that was written although its outcome was unknown stands there twice; the gate refuses the second.
  assert.equal(keys.length, 4);
  assert.deepEqual({ ...bridge.counts }, { submitted: 3, refused: 0, repeated: 3 });
  await bridge.close();
  await log.close();
});

test('an append that does not heal in time makes the batch unsafe, so that its position is not stored', async () => {
  const { log, bridge, deliver } = await world('refuse', 0);
  await assert.rejects(deliver([record(0)]), { code: 'APPEND_REFUSED' });
  await bridge.close();
  await log.close();
});

test('a record that breaks the map delays nobody and is on quarantine, unable to become a job', async () => {
  const { log, bridge, deliver } = await world([]);
  await deliver([record(0, '{'), record(1), { partition: 0, offset: 2, value: null }, record(3, '{"q":{}}')]);
  const claims = [...await submissions(log)].sort((left, right) => left.idempotencyKey.localeCompare(right.idempotencyKey));
  assert.deepEqual(claims.map(({ params }) => params), ['', '{"question":"?"}', '', '']);
  assert.deepEqual(claims.map(({ correlation }) => correlation), ['crm/0/0', 'crm/0/1', 'crm/0/2', 'crm/0/3']);
  assert.deepEqual({ ...bridge.counts }, { submitted: 1, refused: 3, repeated: 0 });
  await bridge.close();
  await log.close();
});
