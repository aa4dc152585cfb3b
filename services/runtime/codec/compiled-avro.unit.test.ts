// What is compiled is held equal to avsc: the same bytes, the same values, and nothing where avsc refuses.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type avsc from 'avsc';
import { composeSchemas } from '../../../schemas/compose.js';
import { projectRoot } from '../project-root.js';
import { endOfAvro } from './avro-bounds.js';
import { compileReader, type AvroRead } from './compile-reader.js';
import { compileWriter, type AvroWrite } from './compile-writer.js';
import { parseSchema } from './event-codec.js';

const startAt = 5;
const record = (type: unknown): Compiled => compiled({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }, { name: 'x', type }, { name: 'z', type: 'int' }] });
const texts = [
  '', 'a', 'é', '\u0080', '\u07ff', '€', '😀', '\ud800', 'x\udc00y', 'a\u0000b', ...[39, 40, 41, 42, 63, 64, 65, 127, 128, 8191, 8192, 70_000, 1024 * 1024].map((length) => 'n'.repeat(length)),
  ...[20, 31, 32, 33, 40, 62, 63, 64, 100, 4096].flatMap((length) => [`${'n'.repeat(length)}é`, `é${'n'.repeat(length)}`, `${'n'.repeat(length)}\ud800`, '€'.repeat(length), '\udc00'.repeat(length)]),
];
const longs = [0, -0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 28 - 1, 2 ** 28, 2 ** 30 - 1, 2 ** 30, -(2 ** 30), -(2 ** 30) - 1, 2 ** 31, 1_790_000_000_000, 2 ** 40 + 1, -(2 ** 52) - 3, 2 ** 53 - 2, -(2 ** 53) + 2, -(2 ** 53) + 3];

interface Compiled { readonly type: avsc.Type; readonly write: AvroWrite; readonly read: AvroRead }

function compiled(avro: unknown): Compiled {
  const type = parseSchema(avro);
  const [write, read] = [compileWriter(type), compileReader(type)];
  assert.ok(write !== null && read !== null, String(type.name));
  return { type, write, read };
}

function sameAsAvsc({ type, write, read }: Compiled, value: unknown): void {
  const expected = type.toBuffer(value);
  const own = Buffer.alloc(expected.length + startAt + 4 * 1024 * 1024, 0xee);
  const end = write(own, startAt, value);
  assert.ok(own.subarray(startAt, end).equals(expected), `${end} for ${expected.length}`);
  const framed = Buffer.concat([Buffer.alloc(startAt), expected]);
  // avsc writes half of a surrogate pair as bytes that are no UTF-8.
  const known = endOfAvro(type, expected) < 0 ? undefined : type.fromBuffer(expected);
  assert.deepStrictEqual(read(framed, startAt), known);
  // A second time: out of what is remembered.
  assert.deepStrictEqual(read(framed, startAt), known);
}

function sameReading({ type, read }: Compiled, bytes: Buffer): void {
  const own = read(bytes, startAt);
  const isWhole = endOfAvro(type, bytes, startAt) === bytes.length;
  if (own === undefined) {
    // Nothing that all others take is left out, but for longs that no double holds.
    if (isWhole) assert.throws(() => type.decode(bytes, startAt), /precision/);
    return;
  }
  assert.ok(isWhole, 'what the bounds check refuses is not read');
  const { value, offset } = type.decode(bytes, startAt) as { value: unknown; offset: number };
  assert.equal(offset, bytes.length);
  assert.deepStrictEqual(own, value);
}

test('compiles every event, and writes and reads values of all of them as avsc does', () => {
  for (const { avro } of composeSchemas(join(projectRoot, 'schemas'))) {
    const event = compiled(avro);
    for (let round = 0; round < 20; round += 1) sameAsAvsc(event, event.type.random());
  }
});

test('writes and reads texts of any length and kind as avsc does, lone surrogates among them', () => {
  const text = record('string');
  for (const x of texts) sameAsAvsc(text, { a: x.slice(0, 300), x, z: 1 });
});

test('writes and reads numbers, arrays, bytes and nested records as avsc does', () => {
  for (const x of longs) sameAsAvsc(record('long'), { a: 'é', x, z: -7 });
  for (const x of [0, -1, 2 ** 31 - 1, -(2 ** 31)]) sameAsAvsc(record('int'), { a: '', x, z: x });
  for (const x of [0, -0, 0.1, -1e308, Infinity, NaN]) sameAsAvsc(record('double'), { a: '', x, z: 0 });
  for (const x of [true, false]) sameAsAvsc(record('boolean'), { a: '', x, z: 0 });
  for (const length of [0, 1, 63, 64, 10_000]) sameAsAvsc(record('bytes'), { a: '', x: Buffer.alloc(length, length), z: 0 });
  const nested = record({ type: 'array', items: { type: 'record', name: 'I', fields: [{ name: 'b', type: { type: 'array', items: 'string' } }, { name: 'c', type: 'long' }] } });
  for (const x of [[], [{ b: [], c: 1 }], Array.from({ length: 200 }, (_, c) => ({ b: texts.slice(0, c % 9), c }))]) sameAsAvsc(nested, { a: '', x, z: 0 });
});

test('takes an array in blocks with byte sizes', () => {
  const { type, read } = record({ type: 'array', items: 'int' });
  const value = read(Buffer.from([0, 0, 0, 0, 0, 0, 3, 4, 2, 4, 2, 6, 0, 8]), startAt);
  assert.deepStrictEqual(value, type.fromBuffer(Buffer.from([0, 3, 4, 2, 4, 2, 6, 0, 8])));
  assert.deepEqual({ ...(value as object) }, { a: '', x: [1, 2, 3], z: 4 });
});

test('writes nothing that avsc refuses', () => {
  const refused: readonly (readonly [unknown, readonly unknown[]])[] = [
    ['string', [1, null, undefined, new String('a'), Buffer.from('a')]], ['int', [1.5, 2 ** 31, '1', null, undefined, NaN]],
    ['long', [0.5, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 60, '1', null, undefined, NaN, Infinity, 1n]], ['double', ['1', null, undefined]], ['boolean', [0, 'true', undefined]],
    ['bytes', ['a', [1], new Uint8Array(1), undefined]], [{ type: 'array', items: 'int' }, [{ length: 1, 0: 1 }, null, undefined, [1, 'a'], [undefined]]],
    [{ type: 'record', name: 'I', fields: [{ name: 'b', type: 'int' }] }, [null, undefined, {}, 1]],
  ];
  for (const [avro, values] of refused) {
    const { type, write } = record(avro);
    for (const x of values) {
      assert.throws(() => type.toBuffer({ a: '', x, z: 0 }));
      assert.equal(write(Buffer.alloc(100), startAt, { a: '', x, z: 0 }), -1, String(x));
    }
  }
});

test('writes fixed bytes in place of what a field has or has not, and the others as they are', () => {
  const type = parseSchema({ type: 'record', name: 'R', fields: [{ name: 'inner', type: { type: 'record', name: 'I', fields: [{ name: 'x', type: 'bytes' }] } }, { name: 'x', type: 'bytes' }] });
  const fixed = Buffer.of(7, 8, 9);
  const write = compileWriter(type, { x: fixed });
  const inner = { x: Buffer.of(1) };
  for (const value of [{ inner, x: Buffer.of(2, 2) }, { inner }]) {
    const bytes = Buffer.alloc(64);
    assert.ok(bytes.subarray(0, write?.(bytes, 0, value)).equals(type.toBuffer({ inner, x: fixed })));
  }
});

test('leaves a value to avsc that does not fit the buffer, at every length of it', () => {
  const { avro } = composeSchemas(join(projectRoot, 'schemas')).find((schema) => schema.name === 'ArtifactVerified') ?? assert.fail();
  const { type, write } = compiled(avro);
  for (const value of [type.random(), type.random(), { ...(type.random() as object), tenant: 'é'.repeat(50), job: '€'.repeat(20), trace: 'n'.repeat(60) }]) {
    const expected = type.toBuffer(value);
    for (let length = 0; length <= expected.length + 300; length += 1) {
      const bytes = Buffer.alloc(length);
      const end = write(bytes, 0, value);
      if (end < 0) assert.ok(length < expected.length + 4 * 64, `${length} of ${expected.length}`);
      else assert.ok(bytes.subarray(0, end).equals(expected), `${length} of ${expected.length}`);
    }
  }
});

test('reads of damaged bytes what the bounds check and avsc take, and that as they do', () => {
  let seed = 7;
  const next = (below: number): number => { seed = (seed * 48_271) % 2_147_483_647; return seed % below; };
  for (const { avro } of composeSchemas(join(projectRoot, 'schemas'))) {
    const event = compiled(avro);
    const whole = Buffer.concat([Buffer.alloc(startAt), event.type.toBuffer(event.type.random())]);
    assert.equal(event.read(whole.subarray(0, -1), startAt), undefined);
    assert.equal(event.read(Buffer.concat([whole, Buffer.alloc(1)]), startAt), undefined);
    for (let round = 0; round < 300; round += 1) {
      const bytes = Buffer.from(whole);
      for (let times = 1 + next(3); times > 0; times -= 1) bytes[startAt + next(bytes.length - startAt)] = next(256);
      sameReading(event, bytes);
    }
  }
});

test('never takes one text for another, whatever has been read before', () => {
  const { type, read } = record('string');
  for (const first of [Buffer.from('éA'), Buffer.from([0xe9, 0x41]), Buffer.from('Aé'), Buffer.from([0x41, 0xe9]), Buffer.from([0xff, 0xfd]), Buffer.from('AA')]) {
    for (const second of [Buffer.from([0xe9, 0x41]), Buffer.from([0x41, 0xe9]), Buffer.from([0xff, 0xfd]), Buffer.from([0xef, 0xbf, 0xbd]), Buffer.from('AA'), Buffer.from('AB')]) {
      for (const text of [first, second]) {
        const bytes = Buffer.concat([Buffer.alloc(startAt), Buffer.from([0, text.length * 2]), text, Buffer.from([0])]);
        assert.deepStrictEqual(read(bytes, startAt), endOfAvro(type, bytes, startAt) < 0 ? undefined : type.decode(bytes, startAt).value);
      }
    }
  }
});

test('reads no text that is not UTF-8, and any that is', () => {
  const text = record('string');
  const framed = (bytes: Buffer): Buffer => Buffer.concat([Buffer.alloc(startAt), Buffer.from([0]), parseSchema('bytes').toBuffer(bytes), Buffer.from([0])]);
  for (const length of [0, 37, 200]) {
    const before = Buffer.from('n'.repeat(length));
    for (const bad of [[0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      assert.equal(text.read(framed(Buffer.concat([before, Buffer.from(bad)])), startAt), undefined);
      sameReading(text, framed(Buffer.concat([before, Buffer.from(bad)])));
    }
    for (const good of ['\ufffd', 'é', '\u0000', '😀']) assert.equal((text.read(framed(Buffer.from('n'.repeat(length) + good)), startAt) as { x: string }).x, 'n'.repeat(length) + good);
  }
});

test('reads no number of another width, and no boolean but 0 and 1', () => {
  const value = (type: string, bytes: readonly number[]): unknown => record(type).read(Buffer.from([0, 0, 0, 0, 0, 0, ...bytes, 0]), startAt);
  for (const [type, bytes] of [['int', [0x80, 0x80, 0x80, 0x80, 0x10]], ['int', [0x80, 0x80, 0x80, 0x80, 0x80, 0]], ['long', [...Array.from({ length: 10 }, () => 0x80), 0]], ['boolean', [2]], ['boolean', [0x80]]] as const) {
    assert.equal(value(type, bytes), undefined, `${type} ${bytes.join()}`);
  }
  for (const [type, bytes, x] of [['int', [0xff, 0xff, 0xff, 0xff, 0x0f], -(2 ** 31)], ['int', [0x82, 0], 1], ['long', [0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], 1], ['boolean', [1], true]] as const) {
    assert.equal((value(type, bytes) as { x: unknown }).x, x);
  }
});

test('compiles nothing of a type that has parts of other kinds, or that holds itself', () => {
  for (const type of [['null', 'int'], { type: 'map', values: 'int' }, { type: 'enum', name: 'E', symbols: ['A'] }, { type: 'fixed', name: 'F', size: 2 }, 'float', { type: 'array', items: 'R' }, { type: 'record', name: 'Empty', fields: [] }]) {
    const parsed = parseSchema({ type: 'record', name: 'R', fields: [{ name: 'x', type }] });
    assert.equal(compileReader(parsed), null);
    if (!(type instanceof Object && 'name' in type && type.name === 'Empty')) assert.equal(compileWriter(parsed), null);
  }
});
