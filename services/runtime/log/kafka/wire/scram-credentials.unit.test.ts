import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAltered, readDescribed, writeAlter, writeDelete } from './scram-credentials.js';

// After the tables of https://kafka.apache.org/protocol; the broker itself is asked in scram-users.int.test.ts.
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('writes a credential as the protocol has it', () => {
  const body = writeAlter({ user: 'ab', mechanism: 'scram-sha-512', iterations: 4_096, salt: hex('01 02'), saltedPassword: Buffer.alloc(130, 7) });
  assert.deepEqual(body, Buffer.concat([hex('00  01  02  03 6162  02  00001000  03 0102  83 01'), Buffer.alloc(130, 7), hex('00 00')]));
  assert.deepEqual(writeDelete('ab', 'scram-sha-256'), hex('00  02  03 6162  01  00  01  00'));
});

test('reads the mechanisms of a user, and passes over what it does not know', () => {
  // A tag of two bytes in the header, throttled for 25 ms; mechanisms 1, 2 and one that is to come.
  assert.deepEqual(readDescribed(hex('01 05 02 ffff  00000019  0000 00  02  03 6162  0000 00  04  01 00001000 00  02 00002000 00  09 00002000 00  00  00')), { answer: ['scram-sha-256', 'scram-sha-512'], throttleMs: 25 });
  assert.deepEqual(readDescribed(hex('00  00000000  0000 00  02  03 6162  005b 03 6e6f  01  00  00')), { answer: [], throttleMs: 0 });
});

test('throws what the broker refuses, in its own words', () => {
  assert.throws(() => readDescribed(hex('00  00000000  001f 00  01  00')), { type: 'CLUSTER_AUTHORIZATION_FAILED' });
  assert.throws(() => readAltered(hex('00  00000000  02  03 6162  005d 04 666577  00  00')), { message: 'few' });
  assert.deepEqual(readAltered(hex('00  00000000  02  03 6162  0000 00  00  00')), { answer: undefined, throttleMs: 0 });
});
