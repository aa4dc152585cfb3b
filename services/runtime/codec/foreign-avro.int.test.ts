import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import avsc from 'avsc';
import { foreignAvro } from './foreign-avro.js';

const ticket: avsc.Schema = { type: 'record', name: 'Ticket', fields: [{ name: 'id', type: 'long' }] };
const registered: Readonly<Record<string, unknown>> = {
  1: { schema: JSON.stringify(ticket) },
  2: { schemaType: 'JSON', schema: '{"type":"object"}' },
  3: { schemaType: 'PROTOBUF', schema: 'syntax = "proto3"; message Ticket { int64 id = 1; }' },
  4: { schemaType: 'XML', schema: '<ticket/>' },
  5: { schema: '{"type":"record","name":"Ticket","fields":[{"name":"id","type":"nobody-s"}]}' },
  6: { schema: 'no json' },
};

describe('schemas of others, asked of their registry', () => {
  const server = createServer((request, response) => {
    const id = request.url?.split('/').at(-1)?.split('?')[0] ?? '';
    if (id === '9') return;
    if (id === '10') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>back soon</p>');
    const found = registered[id];
    response.writeHead(found !== undefined ? 200 : id === '8' ? 500 : 404, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
    response.end(JSON.stringify(found ?? { error_code: 40403, message: 'no' }));
  });
  let url = '';
  before(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const record = (id: number): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), avsc.Type.forSchema(ticket).toBuffer({ id: 3 })]);

  it('reads a record by the schema that it names', async () => {
    assert.deepEqual(await foreignAvro(url).read(record(1)), { ok: true, value: { id: 3 } });
  });

  it('refuses a record whose schema is of another kind, broken or not there, as any other that breaks the rules: it must stop nothing', async () => {
    const avro = foreignAvro(url);
    for (const id of [2, 3, 4, 5, 6, 7]) {
      const read = await avro.read(record(id));
      assert.equal(read.ok ? '' : read.rule, 'unknown-schema', `schema ${id}`);
    }
  });

  it('says that the registry is away when it fails, hangs, is not there, or something else answers in its place, and asks again', async () => {
    const avro = foreignAvro(url, { timeoutMs: 2_000 });
    for (const id of [8, 9, 10]) await assert.rejects(avro.read(record(id)), { code: 'REGISTRY_UNAVAILABLE' }, `schema ${id}`);
    await assert.rejects(foreignAvro('http://127.0.0.1:1').read(record(1)), { code: 'REGISTRY_UNAVAILABLE' });
    assert.equal((await avro.read(record(1))).ok, true);
  });
});
