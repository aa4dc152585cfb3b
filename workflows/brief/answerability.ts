// Decides whether a passage may answer a question at all. A question that the documents cannot answer must give
// "cannot verify": so the telling terms of the question have to stand in the passage, the most telling one first.
// The thresholds were tuned on the `tune` half of evals/golden.json and are reported on the other half.

import type { PassageIndex } from './rank-passages.js';
import { termSet } from './terms.js';

export interface AnswerThresholds {
  /** Least weighted share of the question's terms that the sentence with its context covers. */
  readonly coverageMin: number;
  /** Least weighted share that the sentence itself covers. */
  readonly ownCoverageMin: number;
  /** Terms at least this share of the heaviest term's weight must all be covered. */
  readonly tellingShare: number;
}

export const answerThresholds: AnswerThresholds = { coverageMin: 0.7, ownCoverageMin: 0.3, tellingShare: 0.9 };

export interface Answerability {
  readonly answerable: boolean;
  /** Weighted share of the question covered with context, 0 to 1. */
  readonly coverage: number;
  /** Weighted share covered by the sentence alone, 0 to 1. */
  readonly ownCoverage: number;
}

/** Weighs what a passage covers of a question: `own` are the sentence's terms, `context` those with its headings. */
export function assessAnswer(question: string, own: ReadonlySet<string>, context: ReadonlySet<string>, index: PassageIndex): Answerability {
  const terms = [...termSet(question)].map((term) => ({ term, weight: index.weightOf(term) }));
  const total = terms.reduce((sum, { weight }) => sum + weight, 0);
  if (total <= 0) return { answerable: false, coverage: 0, ownCoverage: 0 };
  const share = (covered: ReadonlySet<string>): number => terms.reduce((sum, { term, weight }) => sum + (covered.has(term) ? weight : 0), 0) / total;
  const heaviest = Math.max(...terms.map(({ weight }) => weight));
  const telling = terms.filter(({ weight }) => weight >= heaviest * answerThresholds.tellingShare);
  const coverage = share(context);
  const ownCoverage = share(own);
  const answerable = coverage >= answerThresholds.coverageMin && ownCoverage >= answerThresholds.ownCoverageMin && telling.every(({ term }) => context.has(term));
  return { answerable, coverage, ownCoverage };
}
