import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import { z } from 'zod';
import type { Contract } from '../../blackboard/contract.js';
import { endOfAvro } from './avro-bounds.js';
import { decodeBody, encodeBody } from './contract-codec.js';

interface Plan { items: { id: string; weight: number }[]; labels: Record<string, string>; note: string | null }
const plan: Contract<Plan> = {
  name: 'plan@1', evidenceRequired: false,
  avro: {
    type: 'record', name: 'Plan', fields: [
      { name: 'items', type: { type: 'array', items: { type: 'record', name: 'Item', fields: [{ name: 'id', type: 'string' }, { name: 'weight', type: 'double' }] } } },
      { name: 'labels', type: { type: 'map', values: 'string' } },
      { name: 'note', type: ['null', 'string'] },
    ],
  },
  rules: z.strictObject({
    items: z.array(z.strictObject({ id: z.string().max(5, 'at most 5 characters'), weight: z.number() })).max(10, 'at most 10 items'),
    labels: z.record(z.string(), z.string().max(3, 'at most 3 characters')),
    note: z.string().nullable(),
  }),
};
const value: Plan = { items: [{ id: 'a', weight: 1 }, { id: 'b', weight: 0.5 }], labels: { x: 'y' }, note: 'n' };

test('gives back what was encoded, as plain objects', () => {
  assert.deepEqual(decodeBody(plan, encodeBody(plan, value)), { ok: true, value });
});

test('refuses to encode a value that breaks a rule, naming field and rule', () => {
  assert.throws(() => encodeBody(plan, { ...value, items: [{ id: 'abcdef', weight: 1 }] }), /plan@1: items\.0\.id at most 5 characters/);
  assert.throws(() => encodeBody(plan, { ...value, more: 1 } as Plan), { code: 'INPUT_INVALID' });
});

test('refuses to decode a value that breaks a rule, naming field and rule but never the body', () => {
  const type = avsc.Type.forSchema(plan.avro as avsc.Schema, { wrapUnions: false });
  assert.deepEqual(decodeBody(plan, type.toBuffer({ ...value, items: [{ id: 'abcdef', weight: 1 }] })), { ok: false, field: 'items.0.id', rule: 'at most 5 characters' });
  assert.deepEqual(decodeBody(plan, type.toBuffer({ ...value, labels: { 'ignore all rules': 'long text' } })), { ok: false, field: 'labels.*', rule: 'at most 3 characters' });
});

test('refuses each cut of a body and a body with bytes left over', () => {
  const bytes = encodeBody(plan, value);
  for (let length = 0; length < bytes.length; length += 1) assert.equal(decodeBody(plan, bytes.subarray(0, length)).ok, false, `cut at ${length}`);
  assert.equal(decodeBody(plan, Buffer.concat([bytes, Buffer.of(0)])).ok, false);
});

test('refuses counts and lengths beyond the bytes at once', () => {
  const startedMs = performance.now();
  for (const count of [2 ** 20, 2 ** 31, 2 ** 40, 2 ** 52]) {
    assert.equal(decodeBody(plan, varint(count)).ok, false);
    assert.equal(decodeBody(plan, Buffer.concat([varint(-count), varint(1)])).ok, false);
    assert.equal(decodeBody(plan, Buffer.concat([varint(1), varint(count)])).ok, false);
    assert.equal(decodeBody(plan, Buffer.concat([varint(1), varint(-1)])).ok, false);
  }
  assert.ok(performance.now() - startedMs < 1_000);
});

test('refuses an array of a million nulls, which takes no bytes', () => {
  const nulls = avsc.Type.forSchema({ type: 'array', items: 'null' });
  assert.equal(endOfAvro(nulls, Buffer.concat([varint(1_000_000), varint(0)])), -1);
  assert.equal(endOfAvro(nulls, Buffer.concat([varint(3), varint(0)])), 2);
});

test('refuses nesting beyond its depth instead of overflowing the stack', () => {
  const tree = avsc.Type.forSchema({ type: 'record', name: 'Tree', fields: [{ name: 'children', type: { type: 'array', items: 'Tree' } }] });
  const deep = Buffer.concat([...Array.from({ length: 100_000 }, () => varint(1)), Buffer.alloc(100_000)]);
  assert.equal(endOfAvro(tree, deep), -1);
  assert.equal(endOfAvro(tree, tree.toBuffer({ children: [{ children: [] }, { children: [] }] })), 4);
});

test('refuses text that is not UTF-8 and indexes that name no member', () => {
  const text = avsc.Type.forSchema('string');
  assert.equal(endOfAvro(text, Buffer.of(2, 0xff)), -1);
  const union = avsc.Type.forSchema(['null', 'string'], { wrapUnions: false });
  assert.equal(endOfAvro(union, varint(2)), -1);
  assert.equal(endOfAvro(union, varint(-1)), -1);
  const fruit = avsc.Type.forSchema({ type: 'enum', name: 'Fruit', symbols: ['PEAR'] });
  assert.equal(endOfAvro(fruit, varint(1)), -1);
  assert.equal(endOfAvro(fruit, varint(0)), 1);
});

test('agrees with avsc on the end of random values, and never throws on random bytes', () => {
  const types = [plan.avro, 'long', 'int', 'boolean', 'float', { type: 'fixed', name: 'F', size: 7 }, { type: 'map', values: { type: 'array', items: 'bytes' } }].map((avro) => avsc.Type.forSchema(avro as avsc.Schema, { wrapUnions: false }));
  for (const type of types) {
    for (let round = 0; round < 300; round += 1) {
      const bytes = type.toBuffer(type.random());
      assert.equal(endOfAvro(type, bytes), bytes.length);
    }
  }
  let seed = 7;
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = Buffer.from(Array.from({ length: round % 40 }, () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % 256));
    decodeBody(plan, bytes);
  }
});

/** Zigzag. */
function varint(number: number): Buffer {
  const bytes: number[] = [];
  let rest = number < 0 ? -number * 2 - 1 : number * 2;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
