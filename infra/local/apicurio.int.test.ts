import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { startRegistry } from './apicurio.js';
import { whatIsMissing } from './for-tests.js';

const skip = (await whatIsMissing({ registry: true })) ?? false;

function record(fields: readonly object[]): { type: SchemaType.AVRO; schema: string } {
  return { type: SchemaType.AVRO, schema: JSON.stringify({ type: 'record', name: 'Sighting', namespace: 'test', fields }) };
}

const first = record([{ name: 'place', type: 'string' }]);
const wider = record([{ name: 'place', type: 'string' }, { name: 'count', type: 'int', default: 1 }]);
const broken = record([{ name: 'place', type: 'string' }, { name: 'count', type: 'string' }]);
const options = { subject: 'sightings', compatibility: COMPATIBILITY.FULL_TRANSITIVE };

test('takes a compatible schema, refuses an incompatible one, and keeps its numbers through a kill', { skip, timeout: 180_000 }, async () => {
  const registry = await startRegistry();
  try {
    const before = new SchemaRegistry({ host: registry.url });
    const { id } = await before.register(first, options);
    const second = await before.register(wider, options);
    assert.notEqual(second.id, id);
    await assert.rejects(before.register(broken, options), /sightings|incompatible/i);

    registry.kill();
    await registry.restart();
    const after = new SchemaRegistry({ host: registry.url });
    assert.equal((await after.register(first, options)).id, id);
    assert.equal((await after.register(wider, options)).id, second.id);
    await assert.rejects(after.register(broken, options), /sightings|incompatible/i);
  } finally {
    await registry.stop();
  }
});
