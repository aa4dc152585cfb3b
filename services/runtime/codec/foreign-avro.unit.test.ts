import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import { decode } from './foreign-avro.js';

const type = avsc.Type.forSchema({ type: 'record', name: 'Ticket', namespace: 'crm', fields: [
  { name: 'id', type: 'long' }, { name: 'question', type: ['null', 'string'] }, { name: 'score', type: 'double' }, { name: 'raw', type: 'bytes' }, { name: 'labels', type: { type: 'map', values: 'string' } },
] });
const framed = (body: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), body]);
const ticket = { id: 7, question: 'Why?', score: 0.5, raw: Buffer.from([1, 2]), labels: { a: 'b' } };

test('a record becomes a plain value, bytes as base64', () => {
  assert.deepEqual(decode(type, framed(type.toBuffer(ticket))), { ok: true, value: { ...ticket, raw: 'AQI=' } });
});

test('refuses bytes that are cut, too many, or name more than there is', () => {
  const whole = framed(type.toBuffer(ticket));
  for (let length = 5; length < whole.length; length += 1) assert.equal(decode(type, whole.subarray(0, length)).ok, false, `cut at ${length}`);
  assert.equal(decode(type, Buffer.concat([whole, Buffer.from([0])])).ok, false);
});

test('refuses what JSON cannot say or no table can store', () => {
  for (const [over, rule] of [[{ score: NaN }, 'number-overflow'], [{ score: Infinity }, 'number-overflow'], [{ question: 'a\0b' }, 'nul']] as const) {
    const read = decode(type, framed(type.toBuffer({ ...ticket, ...over })));
    assert.equal(read.ok ? '' : read.rule, rule);
  }
  const long = avsc.Type.forSchema('long');
  assert.equal(decode(long, framed(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]))).ok, false);
});

test('refuses longs that would come out as others, down to the sign', () => {
  const long = avsc.Type.forSchema('long');
  const read = (value: bigint): unknown => {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    const result = decode(long, framed(Buffer.from([...bytes, Number(rest)])));
    return result.ok ? result.value : result.rule;
  };
  for (const value of [0n, -1n, -(2n ** 52n), 2n ** 52n, 2n ** 53n - 2n, -4_000_000_000_000_000n]) assert.equal(read(value), Number(value));
  for (const value of [-(2n ** 52n) - 1n, -5_000_000_000_000_000n, -(2n ** 53n), 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n]) assert.equal(read(value), 'not-avro', String(value));
});

test('refuses a map that would lose an entry: the same key twice, or that of a prototype', () => {
  const map = avsc.Type.forSchema({ type: 'map', values: 'string' });
  const bytesOf = (...entries: readonly (readonly [string, string])[]): Buffer => framed(Buffer.concat([Buffer.from([entries.length * 2]), ...entries.flat().map((text) => Buffer.concat([Buffer.from([text.length * 2]), Buffer.from(text)])), Buffer.from([0])]));
  assert.deepEqual(decode(map, bytesOf(['a', 'x'], ['b', 'y'])), { ok: true, value: { a: 'x', b: 'y' } });
  assert.equal(decode(map, bytesOf(['a', 'x'], ['a', 'y'])).ok, false);
  assert.equal(decode(map, bytesOf(['a', 'x'], ['__proto__', 'y'])).ok, false);
});
