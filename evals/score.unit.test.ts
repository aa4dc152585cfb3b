import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from './answer.js';
import { readGolden } from './golden.js';
import type { GoldenQuestion } from './golden.js';
import { parseBaseline, regressionsOf, scoreAnswer, sumUp } from './score.js';

const document = { id: 'a.md', textHash: 'a'.repeat(64), sourceHash: 'a'.repeat(64), mediaType: 'text/markdown' as const, bytes: 30, modifiedAtMs: 0 };
const text = 'First. The limit is 5 MB.';
const texts = new Map([[document.textHash, { document, text }]]);
const finding = { claim: 'The limit is 5 MB.', documentHash: document.textHash, documentId: 'a.md', position: 7, quote: 'The limit is 5 MB.', subQuestion: 'q1', confidence: 1, freshAtMs: 0 };
const plan = { question: 'What is the limit?', items: [{ id: 'q1', question: 'What is the limit?' }] };
const brief = { question: plan.question, subQuestions: plan.items, mode: 'extractive' as const, sentences: [{ text: finding.claim, citations: ['f'], subQuestion: 'q1' }], sources: [], unverified: [] };
const answered: Answer = { plan, brief, verified: [{ hash: 'f', finding }], proposedCount: 1, reviewAccepted: true };
const asked: GoldenQuestion = { id: 'a', half: 'tune', question: plan.question, expect: { document: 'a.md', contains: '5 MB' }, nearMiss: false };

test('counts a right answer as right in every score', () => {
  assert.deepEqual(sumUp([scoreAnswer(asked, answered, texts)]), { quoteValidity: 1, expectedPassage: 1, citationCoverage: 1, honestCannotVerify: 1 });
});

test('counts a misplaced quote, an uncited sentence, another passage and an invention as wrong', () => {
  const misplaced = { ...answered, verified: [{ hash: 'f', finding: { ...finding, position: 8 } }] };
  assert.equal(sumUp([scoreAnswer(asked, misplaced, texts)]).quoteValidity, 0);
  const uncited = { ...answered, brief: { ...brief, sentences: [{ text: 'The limit is 9 MB.', citations: ['f'], subQuestion: 'q1' }] } };
  assert.equal(sumUp([scoreAnswer(asked, uncited, texts)]).citationCoverage, 0);
  assert.equal(sumUp([scoreAnswer({ ...asked, expect: { document: 'b.md', contains: '5 MB' } }, answered, texts)]).expectedPassage, 0);
  assert.equal(sumUp([scoreAnswer({ ...asked, expect: null }, answered, texts)]).honestCannotVerify, 0);
});

test('names each score that fell, in either half', () => {
  const good = { quoteValidity: 1, expectedPassage: 1, citationCoverage: 1, honestCannotVerify: 1 };
  assert.deepEqual(regressionsOf({ tune: good, report: { ...good, expectedPassage: 0.5 } }, { tune: good, report: good }), [{ half: 'report', score: 'expectedPassage', was: 1, is: 0.5 }]);
  assert.deepEqual(regressionsOf({ tune: good, report: good }, { tune: good, report: good }), []);
});

test('refuses a baseline that lacks a score, below which nothing could fall', () => {
  const good = { quoteValidity: 1, expectedPassage: 1, citationCoverage: 1, honestCannotVerify: 1 };
  const { expectedPassage: _left, ...lacking } = good;
  assert.deepEqual(parseBaseline(JSON.stringify({ tune: good, report: good })), { tune: good, report: good });
  for (const baseline of [{ tune: good, report: lacking }, { tune: good, report: { ...good, expectedPassage: null } }, { tune: good, report: { ...good, expectedPassage: '1' } }]) {
    assert.throws(() => parseBaseline(JSON.stringify(baseline)), { code: 'INPUT_INVALID', message: /report\.expectedPassage/ });
  }
  for (const text of ['', 'null', '{}', '{"tune":3}']) assert.throws(() => parseBaseline(text), { code: 'INPUT_INVALID', message: /tune\.quoteValidity/ });
});

test('the golden set has the questions it must have, each once', () => {
  const { questions } = readGolden();
  assert.ok(questions.length >= 36);
  for (const half of ['tune', 'report']) {
    assert.ok(questions.filter((question) => question.half === half && question.expect === null).length >= 10);
    assert.ok(questions.filter((question) => question.half === half && question.nearMiss).length >= 5);
  }
  assert.equal(new Set(questions.map(({ question }) => question)).size, questions.length);
  assert.equal(new Set(questions.map(({ id }) => id)).size, questions.length);
});
