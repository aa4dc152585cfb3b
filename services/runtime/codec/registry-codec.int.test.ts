import assert from 'node:assert/strict';
import { mkdtempSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { sharedRegistry, whatIsMissing } from '../../../infra/local/for-tests.js';
import type { Fact } from '../../../schemas/generated/events.js';
import { BlackboardError } from '../errors.js';
import { projectRoot } from '../project-root.js';
import { embeddedCodec } from './embedded-codec.js';
import { registryCodec } from './registry-codec.js';

const skip = await whatIsMissing({ registry: true });
const schemasDir = join(projectRoot, 'schemas');
const fact = {
  type: 'TickObserved', step: '', agent: '', epoch: 3, cause: 4, tenant: '', job: '', instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: 'q/0/4', onBehalfOf: '',
  workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: '', atMs: 5, trace: '', authentic: true, causeDigest: Buffer.alloc(0), timeMs: 5,
} as Fact;

describe('a codec with a real registry', { skip: skip ?? false }, () => {
  let registry: Awaited<ReturnType<typeof sharedRegistry>>;
  const topicPrefix = `codec-${process.pid}-${Date.now() % 100_000}.`;
  before(async () => { registry = await sharedRegistry(); });
  after(() => registry.release());

  /** Our schemas with one event's fields changed. */
  const changed = (change: (fields: Record<string, unknown>[]) => void): string => {
    const folder = mkdtempSync(join(tmpdir(), 'blackboard-schemas-'));
    cpSync(schemasDir, folder, { recursive: true });
    const path = join(folder, 'facts/tick-observed.json');
    const schema = JSON.parse(readFileSync(path, 'utf8')) as { fields: Record<string, unknown>[] };
    change(schema.fields);
    writeFileSync(path, JSON.stringify(schema));
    return folder;
  };
  const code = (expected: string) => (error: unknown): boolean => error instanceof BlackboardError && error.code === expected;

  it('gives up a registry that takes a request and never answers', async (t) => {
    const silent = createServer(() => undefined);
    await new Promise<void>((done) => { silent.listen(0, '127.0.0.1', done); });
    t.after(() => { silent.closeAllConnections(); silent.close(); });
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await assert.rejects(registryCodec({ url, schemasDir, topicPrefix, timeoutMs: 200 }), code('REGISTRY_UNAVAILABLE'));
  });

  it('gives the same ids to every process, and other ids than the embedded codec', async () => {
    const [one, two] = await Promise.all([registryCodec({ url: registry.registryUrl, schemasDir, topicPrefix }), registryCodec({ url: registry.registryUrl, schemasDir, topicPrefix })]);
    const bytes = one.codec.encode(fact);
    assert.deepEqual({ ...two.codec.decodeFact(bytes) }, { ...one.codec.decodeFact(bytes) });
    const embedded = embeddedCodec(schemasDir);
    assert.notDeepEqual(embedded.encode(fact).subarray(0, 5), bytes.subarray(0, 5));
    assert.deepEqual(embedded.digest(embedded.encode(fact)), one.codec.digest(bytes), 'digests do not depend on the frame');
  });

  it('reads what a newer version writes, once it has learnt its id', async () => {
    const older = await registryCodec({ url: registry.registryUrl, schemasDir, topicPrefix });
    const newerDir = changed((fields) => fields.push({ name: 'note', type: 'string', default: '' }));
    const newer = await registryCodec({ url: registry.registryUrl, schemasDir: newerDir, topicPrefix });
    const bytes = newer.codec.encode({ ...fact, note: 'new' } as unknown as Fact);
    const before = older.codec.decode(bytes);
    assert.ok(!before.ok && before.reason === 'unknown-schema-id');
    await older.learn(bytes.readInt32BE(1));
    assert.equal((older.codec.decodeFact(bytes) as Fact & { timeMs: number }).timeMs, 5);
  });

  it('knows at its start what every other version of its subjects wrote, so that an upgrade or a way back halts nobody', async () => {
    const prefix = `upgrade-${topicPrefix}`;
    const of = (dir: string) => registryCodec({ url: registry.registryUrl, schemasDir: dir, topicPrefix: prefix });
    const [first, second] = [await of(schemasDir), await of(changed((fields) => fields.push({ name: 'note', type: 'string', default: '' })))];
    const written = [first.codec.encode(fact), second.codec.encode({ ...fact, note: 'new' } as unknown as Fact)] as const;
    const [older, newer] = [await of(schemasDir), await of(changed((fields) => fields.push({ name: 'note', type: 'string', default: '' }, { name: 'more', type: 'string', default: '' })))];
    for (const { codec } of [older, newer]) {
      for (const [index, { codec: writer }] of [first, second].entries()) {
        const bytes = written[index] as Buffer;
        assert.deepEqual(codec.peek(bytes), { type: 'TickObserved', epoch: 3 });
        assert.equal((codec.decodeFact(bytes) as Fact & { timeMs: number }).timeMs, 5);
        assert.equal(codec.digestHex(bytes), writer.digestHex(bytes), 'a position that was stored before holds');
      }
    }
  });

  it('reads a log with schemas that are not registered yet, and registers nothing; of a registry that knows none of ours it says so', async () => {
    const prefix = `reader-${topicPrefix}`;
    const newerDir = changed((fields) => fields.push({ name: 'note', type: 'string', default: 'none' }));
    const read = (dir: string) => registryCodec({ url: registry.registryUrl, schemasDir: dir, topicPrefix: prefix, register: false });
    await assert.rejects(read(schemasDir), code('SCHEMA_UNKNOWN'));
    const writer = await registryCodec({ url: registry.registryUrl, schemasDir, topicPrefix: prefix });
    const bytes = writer.codec.encode(fact);
    for (const _again of [1, 2]) {
      const { codec } = await read(newerDir);
      const { timeMs, note } = codec.decodeFact(bytes) as unknown as { readonly timeMs: number; readonly note: string };
      assert.deepEqual([timeMs, note, codec.digestHex(bytes)], [5, 'none', writer.codec.digestHex(bytes)]);
      assert.ok(codec.encode(fact).readInt32BE(1) < 0, 'an id that no registry gives');
    }
  });

  it('refuses an incompatible schema by the name of its subject', async () => {
    const broken = changed((fields) => fields.push({ name: 'must', type: 'string' }));
    await assert.rejects(registryCodec({ url: registry.registryUrl, schemasDir: broken, topicPrefix }), (error: unknown) => code('SCHEMA_INCOMPATIBLE')(error) && (error as Error).message.includes('TickObserved'));
  });

  it('does not learn ids that do not exist, or that are of a foreign event or language', async () => {
    const { learn } = await registryCodec({ url: registry.registryUrl, schemasDir, topicPrefix });
    await assert.rejects(learn(999_999), code('SCHEMA_UNKNOWN'));
    const client = new SchemaRegistry({ host: registry.registryUrl });
    const { id } = await client.register({ type: SchemaType.AVRO, schema: JSON.stringify({ type: 'record', name: 'Foreign', namespace: 'other', fields: [{ name: 'a', type: 'string' }] }) }, { subject: `${topicPrefix}foreign` });
    await assert.rejects(learn(id), code('SCHEMA_UNKNOWN'));
    const schema = JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', properties: { a: { type: 'string' } } });
    const json = await client.register({ type: SchemaType.JSON, schema }, { subject: `${topicPrefix}json`, separator: '.' });
    const proto = await client.register({ type: SchemaType.PROTOBUF, schema: 'syntax = "proto3"; package other; message Foreign { string a = 1; }' }, { subject: `${topicPrefix}proto` });
    for (const other of [json.id, proto.id, -1]) await assert.rejects(learn(other), code('SCHEMA_UNKNOWN'), String(other));
  });

  it('starts where somebody put a version into a subject that it cannot read, which stays unknown', async (t) => {
    const prefix = `odd-${topicPrefix}`;
    const first = await registryCodec({ url: registry.registryUrl, schemasDir, topicPrefix: prefix });
    const oddId = 999_999;
    let odd = '';
    let isDown = false;
    // The real one, but that one subject's latest version is another.
    const through = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => void (async () => {
        const { method = 'GET', url = '' } = request;
        const upstream = await fetch(new URL(registry.registryUrl).origin + url, { method, headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' }, ...(method === 'GET' ? {} : { body: Buffer.concat(chunks) }) });
        const text = await upstream.text();
        if (isDown) return void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>back soon</p>');
        const isOdd = /TickObserved\/versions\/latest$/.test(url);
        response.writeHead(upstream.status, { 'content-type': 'application/json' }).end(isOdd ? JSON.stringify({ ...JSON.parse(text) as object, id: oddId, schema: odd }) : text);
      })());
    });
    await new Promise<void>((done) => { through.listen(0, '127.0.0.1', done); });
    t.after(() => { through.closeAllConnections(); through.close(); });
    const url = `http://127.0.0.1:${(through.address() as AddressInfo).port}${new URL(registry.registryUrl).pathname}`;
    for (const schema of ['syntax = "proto3"; message Odd { string a = 1; }', '{"type":"record","name":"Odd","fields":[]}', '{"type":"record","name":"TickObserved","fields":[{"name":"timeMs","type":"string"}]}']) {
      odd = schema;
      const { codec, learn } = await registryCodec({ url, schemasDir, topicPrefix: prefix });
      assert.equal(codec.knows(oddId), false, schema);
      // A page that somebody else answers with says nothing of any schema: claims under it must not be given up.
      isDown = true;
      await assert.rejects(learn(oddId), code('REGISTRY_UNAVAILABLE'));
      isDown = false;
      assert.deepEqual(codec.encode(fact), first.codec.encode(fact));
    }
  });

  it('says which URL did not answer', async () => {
    await assert.rejects(registryCodec({ url: 'http://127.0.0.1:9/apis/ccompat/v7', schemasDir, topicPrefix }), (error: unknown) => code('REGISTRY_UNAVAILABLE')(error) && (error as Error).message.includes('127.0.0.1:9'));
  });
});
