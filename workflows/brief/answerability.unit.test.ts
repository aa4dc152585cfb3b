import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentHash } from '../../services/blackboard/ids.js';
import { findPassages } from './find-passages.js';
import { indexPassages } from './rank-passages.js';
import { synonymsOf } from './terms-synonyms.js';
import { stemOf, termsOf } from './terms.js';

const source = (id: string, text: string): Parameters<typeof indexPassages>[0][number] => ({ document: { id, textHash: contentHash(Buffer.from(text)), sourceHash: contentHash(Buffer.from(text)), mediaType: 'text/markdown', bytes: text.length, modifiedAtMs: 0 }, text });
const index = indexPassages([
  source('docs/tap-and-go/readme.md', '# Valve\n\nThe maximum size of a batch is 40 litres.\n\nThe valve raises an error when the pressure falls.\n\n- [Maximum size of a batch](#maximum)\n'),
  source('docs/boiler/readme.md', '# Boiler\n\nThe boiler heats the water in the morning.\n\nThe folder of the boiler holds its logs.\n'),
]);
const asked = (question: string): readonly string[] => findPassages({ id: 'q1', question }, index).map(({ claim }) => claim);

test('answers a question in other words of general English', () => {
  assert.deepEqual(asked('Which directory holds the logs of the boiler?'), ['The folder of the boiler holds its logs.']);
  assert.deepEqual(asked('When does the valve throw an exception about the pressure?'), ['The valve raises an error when the pressure falls.']);
});

test('never answers a question about one group of documents from another, be its name all stop words', () => {
  assert.deepEqual(asked('What is the maximum size of a batch in tap-and-go?'), ['The maximum size of a batch is 40 litres.']);
  assert.deepEqual(asked('What is the maximum size of a batch of the boiler?'), []);
  assert.deepEqual(termsOf('find-my-way'), ['findmyway']);
});

test('answers nothing where a telling part of the question stands nowhere', () => {
  assert.deepEqual(asked('Which encryption does the boiler use for its water?'), []);
});

test('synonyms stand for each other, never for themselves', () => {
  assert.ok(synonymsOf(stemOf('max')).has(stemOf('limit')) && synonymsOf(stemOf('limit')).has(stemOf('max')));
  assert.equal(synonymsOf(stemOf('max')).has(stemOf('max')), false);
  assert.equal(synonymsOf('boiler').size, 0);
});
