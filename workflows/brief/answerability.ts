// Decides whether a passage may answer a question at all. A question that the documents cannot answer must give
// "cannot verify": so most of what the question says, rare words before common ones, has to stand in the passage, and
// whatever names a group of documents must be the passage's own.
// The thresholds were tuned on the `tune` half of evals/golden.json and are reported on the other half.

import type { PassageIndex } from './rank-passages.js';
import { synonymsOf } from './terms-synonyms.js';
import { termSet, wordsOf } from './terms.js';
import type { Word } from './terms.js';

export interface AnswerThresholds {
  /** Least weighted share of the question's terms that the sentence with its context covers. */
  readonly coverageMin: number;
  /** Least weighted share that the sentence itself covers, of the terms that do not only name documents. */
  readonly ownCoverageMin: number;
  /** What the nearest heading covers counts as this share of the sentence's own. */
  readonly headShare: number;
  /** A synonym covers a term by this share. */
  readonly synonymShare: number;
  /** No word weighs more than this share of a word that the corpus does not hold: one odd word decides nothing. */
  readonly weightMax: number;
}

export const answerThresholds: AnswerThresholds = { coverageMin: 0.75, ownCoverageMin: 0.5, headShare: 0.5, synonymShare: 0.8, weightMax: 0.6 };

export interface Answerability {
  readonly answerable: boolean;
  /** Weighted share of the question covered with context, 0 to 1. */
  readonly coverage: number;
  /** Weighted share covered by the sentence alone, 0 to 1. */
  readonly ownCoverage: number;
}

/** What is known of a passage: the terms of the sentence, of its nearest heading, and of everything around it. */
export interface PassageTerms {
  readonly own: ReadonlySet<string>;
  readonly head: ReadonlySet<string>;
  readonly context: ReadonlySet<string>;
}

/** Weighs what a passage covers of a question. */
export function assessAnswer(question: string, { own, head, context }: PassageTerms, index: PassageIndex): Answerability {
  const words = [...new Map(wordsOf(question).map((word) => [word.whole, word])).values()].map((word) => ({ word, weight: weightOf(word, index), subject: index.isSubject(word.whole) }));
  let [total, covered, ownTotal, ownCovered] = [0, 0, 0, 0];
  for (const { word, weight, subject } of words) {
    total += weight;
    covered += weight * cover(context, word);
    if (subject) continue;
    ownTotal += weight;
    ownCovered += weight * Math.max(cover(own, word), answerThresholds.headShare * cover(head, word));
  }
  if (total <= 0 || ownTotal <= 0) return { answerable: false, coverage: 0, ownCoverage: 0 };
  const coverage = covered / total;
  const ownCoverage = ownCovered / ownTotal;
  const onSubject = words.every(({ word, subject }) => !subject || cover(context, word) > 0);
  return { answerable: onSubject && coverage >= answerThresholds.coverageMin && ownCoverage >= answerThresholds.ownCoverageMin, coverage, ownCoverage };
}

/** How far terms cover a word, 0 to 1: an identifier by itself or by all of its parts, a word also by a synonym. */
function cover(terms: ReadonlySet<string>, word: Word): number {
  if (terms.has(word.whole) || (isCompound(word) && word.parts.every((part) => terms.has(part)))) return 1;
  return [...synonymsOf(word.whole)].some((synonym) => terms.has(synonym)) ? answerThresholds.synonymShare : 0;
}

const isCompound = (word: Word): boolean => word.hyphenated || word.parts.length > 1;

// What kind of answer is wanted ("which version", "what number"): the answer holds the thing itself, seldom the word.
const answerTypes = termSet('number value name version amount count reason place year date person');
const answerTypeShare = 0.3;

/** An identifier that nobody writes as one word weighs as much as its rarest part. */
function weightOf(word: Word, index: PassageIndex): number {
  const whole = index.weightOf(word.whole);
  const weight = Math.min(isCompound(word) && whole >= index.unknownWeight ? Math.max(...word.parts.map((part) => index.weightOf(part))) : whole, index.unknownWeight * answerThresholds.weightMax);
  return answerTypes.has(word.whole) ? weight * answerTypeShare : weight;
}
