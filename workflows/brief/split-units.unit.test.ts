import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../services/runtime/project-root.js';
import { flatten, splitUnits } from './split-units.js';

const unitsOf = (text: string): readonly string[] => splitUnits(text, 'text/markdown').map((unit) => flatten(unit.text));
const quotable = (text: string): readonly string[] => splitUnits(text, 'text/markdown').filter((unit) => unit.quotable).map((unit) => flatten(unit.text));

test('every unit stands exactly at its place, and units do not overlap', () => {
  for (const path of ['node_modules/fastify/docs/Reference/Server.md', 'node_modules/lmdb/README.md', 'node_modules/commander/Readme.md']) {
    const text = readFileSync(join(projectRoot, path), 'utf8').replace(/\r\n?/g, '\n');
    const units = splitUnits(text, 'text/markdown');
    assert.ok(units.length > 100);
    let end = 0;
    for (const unit of units) {
      assert.equal(text.slice(unit.start, unit.end), unit.text);
      assert.equal(unit.text, unit.text.trim());
      assert.ok(unit.start >= end);
      end = unit.end;
    }
  }
});

test('splits sentences, also over hard-wrapped lines', () => {
  assert.deepEqual(unitsOf('One thing\nis here. Another is there! `code` is third.'), ['One thing is here.', 'Another is there!', '`code` is third.']);
});

test('keeps text together in every doubt', () => {
  for (const whole of [
    'It is not true, e.g. That X is safe.',
    'It is not so (as many say. But who knows) that X is safe.',
    'Nobody said "X is safe. Use it" to me.',
    'Dr. Smith did not say that.',
    'See `a. B` for details.',
    'The value is 3. 5 is wrong.',
    'We waited... Then it failed.',
  ]) assert.equal(unitsOf(whole).length, 1, whole);
});

test('keeps a sentence together with the one that takes it back', () => {
  for (const whole of ['X is safe. However, never on Windows.', 'X is safe. This is not true any more.', 'X is safe. That was wrong.', 'X works. Except on Windows.', "It scales. It doesn't persist."]) {
    assert.deepEqual(unitsOf(whole), [whole]);
  }
});

test('does not let anyone quote what a lead-in or heading may turn round', () => {
  assert.deepEqual(quotable('The following are not supported:\n\n- Transactions over many partitions.\n- Idempotent producers.\n\nTopics are supported.'), ['Topics are supported.']);
  assert.deepEqual(quotable('## Limitations\n\n- Streams over many nodes.\n\nA paragraph speaks for itself.'), ['A paragraph speaks for itself.']);
});

test('does not let anyone quote questions, struck text or control characters', () => {
  assert.deepEqual(quotable('Is X safe? ~~X is safe.~~\n\nX is \u001b[31msafe.\n\nX is \u202esafe.'), []);
});

test('takes no code, table, comment, front matter or markup for prose', () => {
  const text = '---\ntitle: A sentence.\n---\n```js\n// A sentence.\n```\n\n| A | B |\n|---|---|\n| A sentence. | B |\n\n<!--\nA sentence.\n-->\n\n<p>A sentence.</p>\n\n    A sentence.\n\nReal prose.';
  assert.deepEqual(unitsOf(text), ['Real prose.']);
});

test('knows the headings above and the lead-in of a list', () => {
  const unit = splitUnits('# A\n\n## B\n\nText.\n\n## C ##\n\nThere are:\n\n* One item here.', 'text/markdown').at(-1);
  assert.equal(unit?.text, 'One item here.');
  assert.equal(unit.heading, 'A › C');
  assert.equal(unit.leadIn, 'There are:');
});

test('is total: any text gives units within its bounds', () => {
  for (const text of ['', '\n', '```', '- ', '> ', '#', '---\n---', '<!--', '[', '((((', '"', '\ud800', '。。。', '- \n- \n', '====', 'a\n====\n']) {
    for (const unit of splitUnits(text, 'text/markdown')) assert.equal(text.slice(unit.start, unit.end), unit.text);
  }
});
