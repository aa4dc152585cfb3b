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
