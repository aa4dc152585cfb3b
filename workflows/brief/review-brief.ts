// Reviews a draft sentence by sentence against the verified findings and the plan: nothing may be said that no
// citation carries, and no sub-question may be dropped in silence. Reasons are codes and positions, never text.

import { paraphraseFault } from './compare-claim.js';
import { isDeepStrictEqual } from 'node:util';
import { isExtractive, sourcesOf, subQuestionsOf } from './compose-brief.js';
import type { CitedFinding } from './compose-brief.js';
import type { Brief, BriefSentence, Plan } from './contracts.js';

/** Closed list of the reviewer's reasons; `position` is a sentence's index, or an index into `unverified` for the last four. */
export const reviewReasons = [
  'question-differs',
  'mode-differs',
  'sub-questions-differ',
  'sources-differ',
  'citation-unknown',
  'citation-off-topic',
  'sentence-not-supported',
  'sentence-repeated',
  'sub-question-missing',
  'unverified-unknown',
  'unverified-though-answered',
  'unverified-question-differs',
] as const;
export type ReviewReason = (typeof reviewReasons)[number];

export interface BriefReview {
  readonly accepted: boolean;
  readonly reasons: readonly { readonly code: ReviewReason; readonly position: number }[];
  readonly checksPassed: number;
  readonly checksTotal: number;
  /** Indexes of sentences in other words than their citations: a model must judge them. */
  readonly needJudgement: readonly number[];
}

/** Judges a draft. In extractive mode a sentence must be a cited claim word for word. */
export function reviewBrief(brief: Brief, plan: Plan, findings: readonly CitedFinding[], paraphraseAllowed = false): BriefReview {
  const known = new Map(findings.map((cited) => [cited.hash, cited]));
  const checks: { code: ReviewReason | null; position: number }[] = [{ code: brief.question === plan.question ? null : 'question-differs', position: -1 }];
  // "Extractive" is a promise to the reader: word for word from the documents.
  const saysTrueMode = brief.mode === 'model' || isExtractive(brief.sentences.filter((sentence) => sentence.citations.every((hash) => known.has(hash))), findings);
  checks.push({ code: saysTrueMode ? null : 'mode-differs', position: -1 });
  checks.push({ code: isDeepStrictEqual(brief.subQuestions.map(plain), subQuestionsOf(plan)) ? null : 'sub-questions-differ', position: -1 });
  checks.push({ code: isDeepStrictEqual(brief.sources.map(plain), sourcesOf(brief.sentences, findings)) ? null : 'sources-differ', position: -1 });
  const needJudgement: number[] = [];
  brief.sentences.forEach((sentence, position) => {
    const cited = sentence.citations.flatMap((hash) => known.get(hash) ?? []);
    const verbatim = cited.length > 0 && cited.every(({ finding }) => finding.claim === sentence.text);
    const allowed = paraphraseAllowed && brief.mode === 'model';
    checks.push({ code: cited.length === sentence.citations.length ? null : 'citation-unknown', position });
    checks.push({ code: cited.some(({ finding }) => finding.subQuestion === sentence.subQuestion) ? null : 'citation-off-topic', position });
    checks.push({ code: verbatim || (allowed && isSupportable(sentence, cited)) ? null : 'sentence-not-supported', position });
    checks.push({ code: brief.sentences.findIndex((other) => other.text === sentence.text) === position ? null : 'sentence-repeated', position });
    if (!verbatim) needJudgement.push(position);
  });
  checks.push(...coverageChecks(brief, plan, known));
  const reasons = checks.flatMap(({ code, position }) => (code === null ? [] : [{ code, position }]));
  return { accepted: reasons.length === 0, reasons, checksPassed: checks.length - reasons.length, checksTotal: checks.length, needJudgement };
}

/** Decoded records have a class of their own; what is compared is what they hold. */
const plain = <T extends object>(record: T): T => ({ ...record });

/** The deterministic half for a sentence in other words: no new number, name or negation beside its cited quotes. */
function isSupportable(sentence: BriefSentence, cited: readonly CitedFinding[]): boolean {
  return cited.length > 0 && paraphraseFault(sentence.text, cited.map(({ finding }) => finding.claim).join(' ')) === null;
}

function coverageChecks(brief: Brief, plan: Plan, known: ReadonlyMap<string, CitedFinding>): readonly { code: ReviewReason | null; position: number }[] {
  const answered = new Set(brief.sentences.flatMap((sentence) => [sentence.subQuestion, ...sentence.citations.flatMap((hash) => known.get(hash)?.finding.subQuestion ?? [])]));
  const open = new Set(brief.unverified.map((entry) => entry.subQuestion));
  const listed = brief.unverified.flatMap((entry, position): { code: ReviewReason | null; position: number }[] => {
    const item = plan.items.find(({ id }) => id === entry.subQuestion);
    if (item === undefined) return [{ code: 'unverified-unknown', position }];
    return [
      { code: item.question === entry.question ? null : 'unverified-question-differs', position },
      { code: answered.has(entry.subQuestion) ? 'unverified-though-answered' : null, position },
    ];
  });
  return [...listed, ...plan.items.map((item, position) => ({ code: answered.has(item.id) || open.has(item.id) ? null : ('sub-question-missing' as const), position }))];
}
