import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { HmacKey } from './hmac-key.js';

const bytes = (length: number, from: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => (from + index * 7) & 0xff));

test('says what HMAC-SHA256 says, for keys shorter and longer than a block and messages of any length', () => {
  for (const keyLength of [0, 1, 32, 63, 64, 65, 200]) {
    const secret = bytes(keyLength, keyLength);
    const key = new HmacKey(secret);
    for (const length of [0, 1, 31, 55, 56, 63, 64, 65, 500, 16_255, 16_256, 16_319, 16_320, 16_321, 16_384, 40_000]) {
      const message = bytes(length, 3);
      const expected = createHmac('sha256', secret).update(message).digest('hex');
      assert.equal(key.mac([message]).toString('hex'), expected, `key ${keyLength}, message ${length}`);
      assert.equal(key.mac([message.subarray(0, length >> 1), Buffer.alloc(0), message.subarray(length >> 1)]).toString('hex'), expected, `key ${keyLength}, message ${length} in parts`);
    }
  }
});

test('says what RFC 4231 says', () => {
  const said = (secret: Buffer, text: string): string => new HmacKey(secret).mac([Buffer.from(text)]).toString('hex');
  assert.equal(said(Buffer.from('Jefe'), 'what do ya want for nothing?'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  assert.equal(said(Buffer.alloc(131, 0xaa), 'Test Using Larger Than Block-Size Key - Hash Key First'), '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54');
});

test('keeps its secret when the caller changes or shows it', () => {
  const secret = bytes(32, 9);
  const key = new HmacKey(secret);
  const before = key.mac([Buffer.from('a')]);
  secret.fill(0);
  assert.deepEqual(key.mac([Buffer.from('a')]), before);
  assert.equal(inspect({ key }, { depth: 9 }), '{ key: HmacKey }');
});
