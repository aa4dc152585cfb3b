import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forTerminal } from './sanitize.js';

describe('text for the terminal', () => {
  it('lets ordinary text of any script pass unchanged', () => {
    for (const text of ['Plain text, 3 % (ok).', 'déjà vu, cafe\u0301', '日本語', 'עברית', 'العربية', 'क्षि', '👩‍👩‍👧 ❤️', 'می\u200cخواهم', '']) assert.equal(forTerminal(text, 100), text);
  });

  it('shows the escape of every ANSI sequence instead of sending it', () => {
    const attacks = ['\x1b[2J\x1b[H', '\x1b]0;title\x07', '\x1b]52;c;cm0gLXJmIH4=\x07', '\x1b[31mred', '\x9b31m', '\x1bP+q\x1b\\', '\x1b]8;;http://x\x1b\\link', 'a\rb', 'a\bb', '\x0e', '\x7f'];
    for (const attack of attacks) {
      const shown = forTerminal(attack, 200);
      assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f]/, JSON.stringify(attack));
    }
    assert.equal(forTerminal('\x1b[31mred\x07', 100), '␛[31mred␇');
    assert.equal(forTerminal('\x9b31m', 100), '<U+009B>31m');
  });

  it('shows bidi overrides, invisible characters and tags by their code', () => {
    assert.equal(forTerminal('a\u202eb\u2066c\u200fd', 100), 'a<U+202E>b<U+2066>c<U+200F>d');
    assert.equal(forTerminal('a\u200bb\ufeffc\u00add\u2060\u3164', 100), 'a<U+200B>b<U+FEFF>c<U+00AD>d<U+2060><U+3164>');
    assert.equal(forTerminal('x\u{e0041}', 100), 'x<U+E0041>');
    assert.equal(forTerminal('a\ud800b', 100), 'a<U+D800>b');
  });

  it('keeps a row on its line unless lines are asked for', () => {
    assert.equal(forTerminal('a\r\nb\tc\u2028d', 100), 'a␍␊b␉c<U+2028>d');
    assert.equal(forTerminal('a\nb\tc\r', 100, { lines: true }), 'a\nb  c␍');
  });

  it('leaves nothing hostile for any code point', () => {
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const shown = forTerminal(String.fromCodePoint(code), 20);
      if (/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2060-\u206f\ufeff]/.test(shown)) assert.fail(`U+${code.toString(16)} passes`);
    }
  });

  it('cuts to the length asked for, at a whole character, and says so', () => {
    assert.equal(forTerminal('abcdef', 6), 'abcdef');
    assert.equal(forTerminal('abcdefg', 6), 'abcde…');
    assert.equal(forTerminal('\x1b'.repeat(9), 4), '␛␛␛…');
    for (let maxChars = 0; maxChars < 12; maxChars += 1) {
      const shown = forTerminal('a😀\u202e😀b', maxChars);
      assert.ok(shown.length <= maxChars, `${maxChars}: ${shown}`);
      assert.doesNotMatch(shown, /\p{Surrogate}/u);
    }
  });

  it('takes no longer for a huge text than for what it shows of it', () => {
    const huge = '\x1b'.repeat(20_000_000);
    const started = performance.now();
    forTerminal(huge, 80);
    assert.ok(performance.now() - started < 1_500);
  });
});
