import assert from 'node:assert/strict';
import { test } from 'node:test';
import picocolors from 'picocolors';
import { fitColumns, table, type Column } from './table.js';
import { clip, displayWidth, padEnd, wrapText } from './text-layout.js';

const plain = picocolors.createColors(false);

test('counts East Asian and pictographic characters as two cells, marks as none, colours as none', () => {
  assert.equal(displayWidth('abc'), 3);
  assert.equal(displayWidth('漢字'), 4);
  assert.equal(displayWidth('e\u0301'), 1);
  assert.equal(displayWidth(picocolors.createColors(true).red('abc')), 3);
});

test('a cut text is at most as wide as asked and says that it is cut', () => {
  for (const text of ['a long sentence', '漢字漢字漢字', 'x']) {
    for (const width of [1, 2, 3, 5, 8]) {
      const cut = clip(text, width);
      assert.ok(displayWidth(cut) <= width, `${cut} in ${width}`);
      if (displayWidth(text) > width) assert.ok(cut.endsWith('…'));
    }
  }
  assert.equal(clip('abc', 0), '');
  assert.equal(padEnd('漢', 4), '漢  ');
});

test('wrapping loses no word and keeps to the width, also inside of words that are too long', () => {
  const text = `one two three ${'x'.repeat(50)} four\nfive`;
  for (const width of [7, 20, 60]) {
    const lines = wrapText(text, width);
    for (const line of lines) assert.ok(displayWidth(line) <= width, line);
    assert.equal(lines.join('').replaceAll(' ', ''), text.replace(/\s/g, ''));
  }
});

const columns: readonly Column[] = [
  { title: 'JOB', widthMin: 12 }, { title: 'STATE', widthMin: 6 }, { title: 'WHY', widthMin: 10 }, { title: 'EXTRA', widthMin: 10, isOptional: true }, { title: 'MORE', widthMin: 20, isOptional: true },
];
const rows = [['0123456789abcdef0123456789abcdef', 'completed', 'because of a very long reason that nobody reads', 'something', 'and something more'], ['1', 'open', '', '漢字漢字漢字', '']];

for (const width of [60, 80, 120]) {
  test(`a table keeps to ${width} columns`, () => {
    const text = table(columns, rows, { columns: width, colors: plain });
    for (const line of text.split('\n')) assert.ok(displayWidth(line) <= width, `${displayWidth(line)}: ${line}`);
    assert.match(text, /^JOB/);
  });
}

test('a table leaves optional columns out, the last one first, before it squeezes the others below their least', () => {
  assert.deepEqual(fitColumns(columns, rows, 160).map(({ at }) => at), [0, 1, 2, 3, 4]);
  assert.deepEqual(fitColumns(columns, rows, 50).map(({ at }) => at), [0, 1, 2, 3]);
  assert.deepEqual(fitColumns(columns, rows, 40).map(({ at }) => at), [0, 1, 2]);
});
