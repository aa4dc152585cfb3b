import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from './crc32c.js';

// RFC 3720, appendix B.4.
const known: readonly [string, Buffer, number][] = [
  ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, byte) => byte)), 0x46dd794e],
  ['31 to 0', Buffer.from(Array.from({ length: 32 }, (_, byte) => 31 - byte)), 0x113fdb5c],
  ['123456789', Buffer.from('123456789'), 0xe3069283],
  ['nothing', Buffer.alloc(0), 0],
];
for (const [what, bytes, sum] of known) {
  test(`knows the checksum of ${what}`, () => assert.equal(crc32c(bytes), sum));
}

test('gives the same sum for a stretch wherever it lies', () => {
  const text = Buffer.from('the quick brown fox jumps over the lazy dog');
  for (let length = 0; length <= text.length; length += 1) {
    const inside = Buffer.concat([Buffer.alloc(3, 0xa5), text.subarray(0, length), Buffer.alloc(9, 0x5a)]);
    assert.equal(crc32c(inside, 3, 3 + length), crc32c(text.subarray(0, length)));
  }
});
