// A brief from verified findings only, without a model: each sentence is a verified claim, word for word, with its
// citation; every sub-question without one is listed as not verified, with the reason.

import type { Brief, BriefSentence, BriefSource, Finding, Plan, UnverifiedReason } from './contracts.js';
import { limits } from './limits.js';
import { flatten } from './split-units.js';

/** A finding together with the hash of its verified body, by which sentences cite it. */
export interface CitedFinding {
  readonly hash: string;
  readonly finding: Finding;
}

export interface ComposeOptions {
  /** Why a sub-question without findings has none; `no-passage` where nothing is known. */
  readonly reasons?: Readonly<Record<string, UnverifiedReason>>;
  /** Hashes that sentences must not rest on any more: a review refused them. */
  readonly dropped?: ReadonlySet<string>;
}

/** Composes a brief of verified claims: sub-questions in the plan's order, findings of one document in the document's order. */
export function composeBrief(plan: Plan, findings: readonly CitedFinding[], options: ComposeOptions = {}): Brief {
  const sentences: BriefSentence[] = [];
  const unverified: Brief['unverified'] = [];
  for (const item of plan.items) {
    const own = findings.filter(({ finding, hash }) => finding.subQuestion === item.id && options.dropped?.has(hash) !== true);
    if (own.length === 0) {
      const dropped = findings.some(({ finding }) => finding.subQuestion === item.id);
      unverified.push({ subQuestion: item.id, question: item.question, reason: dropped ? 'support-refused' : (options.reasons?.[item.id] ?? 'no-passage') });
    }
    for (const { text, citations } of mergeEqualClaims(inReadingOrder(own))) {
      if (sentences.length >= limits.sentencesMax) break;
      const known = sentences.find((sentence) => sentence.text === text);
      // The same sentence may answer two sub-questions: it is said once.
      if (known === undefined) sentences.push({ text, citations, subQuestion: item.id });
      else known.citations = [...new Set([...known.citations, ...citations])].slice(0, limits.citationsMax);
    }
  }
  return { question: plan.question, subQuestions: subQuestionsOf(plan), mode: isExtractive(sentences, findings) ? 'extractive' : 'model', sentences, sources: sourcesOf(sentences, findings), unverified };
}

/** The plan's items as a brief repeats them. */
export function subQuestionsOf(plan: Plan): Brief['subQuestions'] {
  return plan.items.map(({ id, question }) => ({ id, question }));
}

/** The quotes behind sentences, once each, in the order of their first citation. */
export function sourcesOf(sentences: readonly BriefSentence[], findings: readonly CitedFinding[]): BriefSource[] {
  const byHash = new Map(findings.map(({ hash, finding }) => [hash, finding]));
  return [...new Set(sentences.flatMap((sentence) => sentence.citations))].flatMap((hash) => {
    const finding = byHash.get(hash);
    return finding === undefined ? [] : [{ finding: hash, documentId: finding.documentId, documentHash: finding.documentHash, position: finding.position, quote: finding.quote }];
  });
}

/** True when every sentence stands word for word in the quotes that it cites, but for line breaks. */
export function isExtractive(sentences: readonly BriefSentence[], findings: readonly CitedFinding[]): boolean {
  const quotes = new Map(findings.map(({ hash, finding }) => [hash, flatten(finding.quote)]));
  return sentences.every((sentence) => sentence.citations.every((hash) => quotes.get(hash)?.includes(sentence.text) === true));
}

/** The document of the most confident finding first; within one document, as it reads. */
function inReadingOrder(findings: readonly CitedFinding[]): readonly CitedFinding[] {
  const best = new Map<string, number>();
  for (const { finding } of findings) best.set(finding.documentId, Math.max(best.get(finding.documentId) ?? 0, finding.confidence));
  return [...findings].sort(
    (a, b) =>
      (best.get(b.finding.documentId) ?? 0) - (best.get(a.finding.documentId) ?? 0) ||
      compareText(a.finding.documentId, b.finding.documentId) ||
      a.finding.position - b.finding.position ||
      compareText(a.hash, b.hash),
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function mergeEqualClaims(findings: readonly CitedFinding[]): readonly { text: string; citations: string[] }[] {
  const merged = new Map<string, string[]>();
  for (const { finding, hash } of findings) {
    const citations = merged.get(finding.claim) ?? [];
    if (citations.length < limits.citationsMax && !citations.includes(hash)) citations.push(hash);
    merged.set(finding.claim, citations);
  }
  return [...merged].map(([text, citations]) => ({ text, citations }));
}
