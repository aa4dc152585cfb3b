import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from './limits.js';
import { mediaTypeOf, readDocument } from './read-document.js';

const read = (name: string, text: string): ReturnType<typeof readDocument> => readDocument(name, Buffer.from(text));
const textOf = (name: string, text: string): string => {
  const result = read(name, text);
  assert.ok(result.ok);
  return result.text;
};

test('reads Markdown and text as they are written, with line feeds and no byte order mark', () => {
  assert.equal(textOf('a.md', '\ufeff# Title\r\n\r\nBody.\r'), '# Title\n\nBody.\n');
  assert.equal(mediaTypeOf('A.MARKDOWN'), 'text/markdown');
  assert.equal(mediaTypeOf('Makefile'), null);
});

test('reads HTML as the text that a reader sees, without scripts, pictures or navigation', () => {
  const text = textOf('a.html', '<nav>Menu</nav><h1>Title</h1><script>alert(1)</script><p>It is <b>not</b> safe.&nbsp;Ask <a href="http://x.test">us</a>.</p><img src="http://x.test/p.png">');
  assert.match(text, /Title/);
  assert.match(text, /It is not safe\. Ask us\./);
  assert.doesNotMatch(text, /Menu|alert|x\.test/);
});

test('refuses what cannot be read faithfully, each with its own reason', () => {
  const reasonOf = (name: string, bytes: Uint8Array): string => {
    const result = readDocument(name, bytes);
    return result.ok ? 'read' : result.reason;
  };
  assert.equal(reasonOf('a.md', Uint8Array.from([0x89, 0x50, 0x00, 0x01])), 'binary');
  assert.equal(reasonOf('a.md', Uint8Array.from([0x61, 0xff, 0xfe])), 'bad-utf8');
  assert.equal(reasonOf('a.md', Uint8Array.from([0xed, 0xa0, 0x80])), 'bad-utf8');
  assert.equal(reasonOf('a.md', Buffer.alloc(limits.documentBytesMax + 1, 'a')), 'too-large');
  assert.equal(reasonOf('a.md', Buffer.from(' \n\t')), 'empty');
  assert.equal(reasonOf('a.html', Buffer.from('<p> </p>')), 'empty');
  assert.equal(reasonOf('a.pdf', Buffer.from('%PDF')), 'unsupported-type');
});
