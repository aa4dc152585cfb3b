// Decides whether a passage may answer a question at all. A question that the documents cannot answer must give
// "cannot verify": so the telling terms of the question have to stand in the passage, the most telling one first.
// The thresholds were tuned on the `tune` half of evals/golden.json and are reported on the other half.

import type { PassageIndex } from './rank-passages.js';
import { termSet, wordsOf } from './terms.js';
import type { Word } from './terms.js';

export interface AnswerThresholds {
  /** Least weighted share of the question's terms that the sentence with its context covers. */
  readonly coverageMin: number;
  /** Least weighted share that the sentence itself covers. */
  readonly ownCoverageMin: number;
  /** Words at least this share of the heaviest word's weight must all be covered, */
  readonly tellingShare: number;
  /** … if they weigh at least this share of a word that the corpus does not hold. */
  readonly tellingMin: number;
}

export const answerThresholds: AnswerThresholds = { coverageMin: 0.7, ownCoverageMin: 0.2, tellingShare: 0.9, tellingMin: 0.7 };

export interface Answerability {
  readonly answerable: boolean;
  /** Weighted share of the question covered with context, 0 to 1. */
  readonly coverage: number;
  /** Weighted share covered by the sentence alone, 0 to 1. */
  readonly ownCoverage: number;
}

/** Weighs what a passage covers of a question: `own` are the sentence's terms, `context` those with its headings. */
export function assessAnswer(question: string, own: ReadonlySet<string>, context: ReadonlySet<string>, index: PassageIndex): Answerability {
  const words = new Map(wordsOf(question).map((word) => [word.whole, word]));
  const weighed = [...words.values()].map((word) => ({ word, weight: weightOf(word, index) }));
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
  if (total <= 0) return { answerable: false, coverage: 0, ownCoverage: 0 };
  const share = (terms: ReadonlySet<string>): number => weighed.reduce((sum, { word, weight }) => sum + (covers(terms, word) ? weight : 0), 0) / total;
  const heaviest = Math.max(...weighed.map(({ weight }) => weight));
  const tellingWeight = Math.max(heaviest * answerThresholds.tellingShare, index.unknownWeight * answerThresholds.tellingMin);
  const telling = weighed.filter(({ word, weight }) => weight >= tellingWeight || index.isSubject(word.whole));
  const coverage = share(context);
  const ownCoverage = share(own);
  const answerable = coverage >= answerThresholds.coverageMin && ownCoverage >= answerThresholds.ownCoverageMin && telling.every(({ word }) => covers(context, word));
  return { answerable, coverage, ownCoverage };
}

/** An identifier is covered by itself or by all of its parts. */
const covers = (terms: ReadonlySet<string>, word: Word): boolean => terms.has(word.whole) || ((word.hyphenated || word.parts.length > 1) && word.parts.every((part) => terms.has(part)));

// What kind of answer is wanted ("which version", "what number"): the answer holds the thing itself, seldom the word.
const answerTypes = termSet('number value name version amount count reason place year date person');
const answerTypeShare = 0.3;

/** An identifier that nobody writes as one word weighs as much as its rarest part. */
function weightOf(word: Word, index: PassageIndex): number {
  if (answerTypes.has(word.whole)) return index.weightOf(word.whole) * answerTypeShare;
  const whole = index.weightOf(word.whole);
  return (word.hyphenated || word.parts.length > 1) && whole >= index.unknownWeight ? Math.max(...word.parts.map((part) => index.weightOf(part))) : whole;
}
