// Pure scorers: what is measured of an answer, independent of the code that verified it.

import { BlackboardError } from '../services/runtime/errors.js';
import type { CorpusDocument } from '../workflows/brief/contracts.js';
import { flatten } from '../workflows/brief/split-units.js';
import type { Answer } from './answer.js';
import type { GoldenQuestion } from './golden.js';

export interface QuestionScore {
  readonly id: string;
  readonly half: GoldenQuestion['half'];
  readonly answerable: boolean;
  readonly findings: number;
  /** Findings whose quote stands at its place in the named document. */
  readonly validQuotes: number;
  readonly sentences: number;
  /** Sentences whose every citation is a verified finding that holds the sentence. */
  readonly coveredSentences: number;
  /** The expected passage is among the findings; null where none is expected. */
  readonly passageFound: boolean | null;
  /** Says "cannot verify" and nothing else; null where an answer is expected. */
  readonly honest: boolean | null;
}

export interface Scores {
  /** Shares, 0 to 1. */
  readonly quoteValidity: number;
  readonly expectedPassage: number;
  readonly citationCoverage: number;
  readonly honestCannotVerify: number;
}

/** Scores one answer. `texts` are the documents' canonical texts by hash. */
export function scoreAnswer(question: GoldenQuestion, answer: Answer, texts: ReadonlyMap<string, { readonly document: CorpusDocument; readonly text: string }>): QuestionScore {
  const quotes = new Map(answer.verified.map(({ hash, finding }) => [hash, flatten(finding.quote)]));
  const validQuotes = answer.verified.filter(({ finding }) => {
    const source = texts.get(finding.documentHash);
    return source?.document.id === finding.documentId && source.text.slice(finding.position, finding.position + finding.quote.length) === finding.quote;
  }).length;
  const { expect } = question;
  return {
    id: question.id,
    half: question.half,
    answerable: expect !== null,
    findings: answer.verified.length,
    validQuotes,
    sentences: answer.brief.sentences.length,
    coveredSentences: answer.brief.sentences.filter(({ text, citations }) => citations.length > 0 && citations.every((hash) => quotes.get(hash)?.includes(text) === true)).length,
    passageFound: expect === null ? null : answer.verified.some(({ finding }) => finding.documentId === expect.document && flatten(finding.quote).includes(expect.contains)),
    honest: expect === null ? answer.brief.sentences.length === 0 && answer.brief.unverified.length === answer.plan.items.length && answer.reviewAccepted : null,
  };
}

/** Sums scores up; a share of nothing is 1. */
export function sumUp(scores: readonly QuestionScore[]): Scores {
  const sum = (of: (score: QuestionScore) => number): number => scores.reduce((total, score) => total + of(score), 0);
  const share = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);
  return {
    quoteValidity: share(sum((score) => score.validQuotes), sum((score) => score.findings)),
    expectedPassage: share(sum((score) => (score.passageFound === true ? 1 : 0)), sum((score) => (score.passageFound === null ? 0 : 1))),
    citationCoverage: share(sum((score) => score.coveredSentences), sum((score) => score.sentences)),
    honestCannotVerify: share(sum((score) => (score.honest === true ? 1 : 0)), sum((score) => (score.honest === null ? 0 : 1))),
  };
}

/** What a release must reach on the report half. */
export const targets: Scores = { quoteValidity: 1, expectedPassage: 0.8, citationCoverage: 1, honestCannotVerify: 0.9 };

export interface Regression {
  readonly half: GoldenQuestion['half'];
  readonly score: keyof Scores;
  readonly was: number;
  readonly is: number;
}

/**
 * The baseline's text; a score that it lacks would compare with every other as not lower.
 * @throws BlackboardError INPUT_INVALID naming the score.
 */
export function parseBaseline(text: string): Readonly<Record<GoldenQuestion['half'], Scores>> {
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // As one that lacks every score.
  }
  const baseline = json as Partial<Record<GoldenQuestion['half'], Partial<Record<string, unknown>>>> | null;
  for (const half of ['tune', 'report'] as const) {
    for (const score of Object.keys(targets)) {
      const was = baseline?.[half]?.[score];
      if (typeof was !== 'number' || was < 0 || was > 1) throw new BlackboardError('INPUT_INVALID', `evals/baseline.json: ${half}.${score} is no share from 0 to 1, so that nothing could fall below it; restore the file, or write what is reached now with "npm run evals -- --update-baseline"`, { half, score });
    }
  }
  return json as Record<GoldenQuestion['half'], Scores>;
}

/** Scores that fell below the baseline, of either half. */
export function regressionsOf(now: Readonly<Record<GoldenQuestion['half'], Scores>>, baseline: Readonly<Record<GoldenQuestion['half'], Scores>>): readonly Regression[] {
  const keys = Object.keys(targets) as (keyof Scores)[];
  return (['tune', 'report'] as const).flatMap((half) => keys.flatMap((score) => (now[half][score] < baseline[half][score] - 1e-9 ? [{ half, score, was: baseline[half][score], is: now[half][score] }] : [])));
}
