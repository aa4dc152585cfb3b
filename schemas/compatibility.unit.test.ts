// FULL_TRANSITIVE: every version reads what every other wrote. The versions are kept in schemas/fixtures.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import avsc from 'avsc';
import type { EventType } from './generated/events.js';
import { messageClassOf } from './generated/events.js';
import { parseSchema } from '../services/runtime/codec/event-codec.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { composeSchemas } from './compose.js';
import { readFixtures, type SchemaFixture } from './read-fixtures.js';

const schemasDir = join(projectRoot, 'schemas');
const versions = readFixtures(schemasDir);
const current = new Map(composeSchemas(schemasDir).map((schema) => [schema.name, parseSchema(schema.avro)]));

function reads(reader: avsc.Type, writer: avsc.Type, body: Buffer): Record<string, unknown> {
  const { value, offset } = reader.decode(body, 0, reader.createResolver(writer)) as { value: Record<string, unknown>; offset: number };
  assert.equal(offset, body.length);
  return value;
}

function bytesOf(type: avsc.Type, fixture: SchemaFixture): Buffer {
  return type.toBuffer(reads(type, parseSchema(fixture.avro), fixture.body));
}

describe('the contract', () => {
  it('keeps the present schemas as its newest version: else run "node dist/schemas/record-fixtures.js"', () => {
    const newest = versions.at(-1);
    assert.deepEqual(Object.fromEntries((newest?.fixtures ?? []).map(({ event, fingerprint }) => [event, fingerprint])), Object.fromEntries([...current].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, type]) => [name, type.fingerprint('sha256').toString('hex')])));
  });

  it('never drops an event', () => {
    for (const { fixtures, version } of versions) for (const { event } of fixtures) assert.ok(current.has(event), `${event} of version ${version}`);
  });

  for (const { version, fixtures } of versions) {
    it(`version ${version}: each schema is the one whose fingerprint was kept`, () => {
      for (const { event, avro, fingerprint } of fixtures) assert.equal(parseSchema(avro).fingerprint('sha256').toString('hex'), fingerprint, event);
    });

    it(`version ${version}: each recorded event is read by the present schema, with all that it said`, () => {
      for (const fixture of fixtures) {
        const writer = parseSchema(fixture.avro);
        const written = plain(writer.fromBuffer(fixture.body));
        const read = plain(reads(current.get(fixture.event) as avsc.Type, writer, fixture.body)) as Record<string, unknown>;
        assert.equal(read['type'], fixture.event);
        for (const [field, value] of Object.entries(written as object)) if (field in read) assert.deepEqual(read[field], value, `${fixture.event}.${field}`);
      }
    });

    it(`version ${version}: reads what the present schemas and all other versions write`, () => {
      for (const fixture of fixtures) {
        const reader = parseSchema(fixture.avro);
        const others = [...versions.flatMap((other) => other.fixtures.filter(({ event }) => event === fixture.event).map((one) => ({ type: parseSchema(one.avro), body: one.body }))), { type: current.get(fixture.event) as avsc.Type, body: bytesOf(current.get(fixture.event) as avsc.Type, fixture) }];
        for (const { type, body } of others) assert.equal(reads(reader, type, body)['type'], fixture.event);
      }
    });

    it(`version ${version}: the signature is the last field of what is signed, and of nothing else`, () => {
      for (const { event, avro } of fixtures) {
        const names = (avro as { readonly fields: readonly { readonly name: string }[] }).fields.map(({ name }) => name);
        const isSigned = messageClassOf[event as EventType] === 'claim' || messageClassOf[event as EventType] === 'control';
        assert.equal(names.indexOf('signature'), isSigned ? names.length - 1 : -1, event);
        assert.deepEqual(names.slice(0, 5), ['type', 'step', 'agent', 'epoch', 'cause'], `${event}: readers peek at these`);
      }
    });
  }

  it('would be broken by a field without a default, by a field of another type, and by a renamed one', () => {
    const base = { type: 'record', name: 'E', fields: [{ name: 'a', type: 'string' }] };
    const changes = [{ name: 'b', type: 'string' }, { name: 'a', type: 'long' }, { name: 'c', type: 'string' }];
    for (const [index, change] of changes.entries()) {
      const fields = index === 0 ? [...base.fields, change] : [change];
      assert.throws(() => parseSchema({ ...base, fields }).createResolver(parseSchema(base)));
    }
  });
});

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}
