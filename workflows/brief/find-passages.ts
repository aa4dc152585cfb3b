// From a sub-question to findings, without a model: the best sentences of the documents, quoted whole, each claim the
// quote itself. Nothing that answers means no findings, which is an answer.

import { answerThresholds, assessAnswer } from './answerability.js';
import type { Finding, PlanItem } from './contracts.js';
import { limits } from './limits.js';
import { contextTermsOf, headTermsOf } from './rank-passages.js';
import type { Passage, PassageIndex } from './rank-passages.js';
import { flatten } from './split-units.js';
import type { Unit } from './split-units.js';
import { termSet } from './terms.js';

const passagesRankedMax = 100;
/** Passages that weigh less than this share of the best one are left out. */
const weightShareMin = 0.36;
const wordsMin = 4;

/** Up to `limits.findingsPerItemMax` findings for a sub-question, best first; empty when no sentence answers it. */
export function findPassages(item: PlanItem, index: PassageIndex): readonly Finding[] {
  const found: { finding: Finding; weight: number }[] = [];
  for (const passage of index.search(item.question, passagesRankedMax)) {
    const unit = passage.unit;
    if (!isStatement(unit)) continue;
    const answer = assessAnswer(item.question, { own: termSet(passage.quote), head: headTermsOf(passage), context: contextTermsOf(passage) }, index);
    if (!answer.answerable) continue;
    const finding = claimFromPassage(passage, item, answer.coverage);
    if (finding === null || found.some((other) => overlaps(other.finding, finding))) continue;
    found.push({ finding, weight: passage.score * (0.5 + answer.coverage / 2 + answer.ownCoverage / 2) ** 4 });
  }
  found.sort((a, b) => b.weight - a.weight);
  const bestWeight = found[0]?.weight ?? 0;
  return found.filter(({ weight }) => weight >= bestWeight * weightShareMin).slice(0, limits.findingsPerItemMax).map(({ finding }) => finding);
}

/** A finding whose claim is its quote. */
export function claimFromPassage({ document, quoted, quote }: Passage, item: PlanItem, coverage: number): Finding | null {
  const claim = flatten(quote);
  const first = quoted[0];
  if (first === undefined) return null;
  if (quote.length > limits.quoteCharactersMax || claim.length > limits.claimCharactersMax) return null;
  return {
    claim,
    documentHash: document.textHash,
    documentId: document.id,
    position: first.start,
    quote,
    subQuestion: item.id,
    confidence: Math.round(Math.min(1, Math.max(answerThresholds.coverageMin, coverage)) * 100) / 100,
    freshAtMs: document.modifiedAtMs,
  };
}

/** What points elsewhere ("See …") answers nothing, however many words it shares with the question. */
const pointsElsewhere = /^[([*_]*(?:see|refer to|read (?:more|about|the)|for more|for (?:further )?(?:details|information)|check out|take a look|have a look|visit)\b/i;

/** A line of a table of contents. */
const linkOnly = /^\[[^\]]*\]\([^)]*\)$/;

function isStatement(unit: Unit): boolean {
  return !pointsElsewhere.test(unit.text) && !linkOnly.test(unit.text) && unit.text.split(/\s+/).length >= wordsMin && !/[:,]["'*_`)]*$/.test(unit.text) && !/<\/?[a-z][^>]*>|!\[/i.test(unit.text);
}

const overlaps = (a: Finding, b: Finding): boolean =>
  a.claim === b.claim || (a.documentHash === b.documentHash && a.position < b.position + b.quote.length && b.position < a.position + a.quote.length);
