// Whether a finding stands: deterministic code over the actual document, by another principal than the one that
// claims it. Every check has one reason; the first that fails is the verdict, all are counted. A quote is whole
// sentences of one block, because half a sentence, or two halves stitched, can say the opposite of their source.

import { contentHash } from '../../services/blackboard/ids.js';
import { isRunOfSentences, paraphraseFault } from './compare-claim.js';
import type { Corpus, CorpusDocument, Finding, PlanItem } from './contracts.js';
import { findingContract } from './contracts.js';
import { splitUnits } from './split-units.js';
import type { Unit } from './split-units.js';
import { termSet } from './terms.js';

/** Closed list of the verifier's reasons. */
export const verifyReasons = [
  'malformed-finding',
  'document-unknown',
  'document-name-differs',
  'document-altered',
  'document-stale',
  'freshness-differs',
  'sub-question-differs',
  'quote-not-in-document',
  'quote-misplaced',
  'quote-not-whole-sentences',
  'quote-out-of-context',
  'instruction-in-quote',
  'claim-not-in-quote',
  'number-not-in-quote',
  'name-not-in-quote',
  'negation-differs',
  'names-reordered',
  'off-topic',
  'evidence-differs',
  'support-refused',
] as const;
export type VerifyReason = (typeof verifyReasons)[number];

export interface FindingVerdict {
  readonly accepted: boolean;
  /** Empty when accepted. */
  readonly reason: VerifyReason | '';
  readonly checksPassed: number;
  readonly checksTotal: number;
  /** True when the claim is in other words than its quote: a model must judge whether the quote supports it. */
  readonly needsJudgement: boolean;
}

export interface FindingContext {
  readonly corpus: Corpus;
  /** Canonical text of the named document, as the verifier itself read it; null when it cannot. */
  readonly text: string | null;
  /** The sub-question that was asked, when known. */
  readonly item: PlanItem | null;
  /** The verification's own time, ms since 1970. */
  readonly nowMs: number;
  /** False without a model: a claim must then be whole sentences of its quote. */
  readonly paraphraseAllowed: boolean;
}

/** An order to whoever checks or writes, in the place of a statement. */
const instruction = /\b(?:(?:ignore|disregard|forget|override) (?:\w+ ){0,3}(?:instructions?|rules?|prompts?|checks?|previous|above)|(?:mark|accept|approve|treat|record) (?:this|the|it) (?:\w+ ){0,3}(?:as )?(?:verified|accepted|true|valid|approved|trusted)|(?:note|message|instructions?) (?:to|for) (?:the )?(?:verifier|reviewer|model|assistant|agent)|(?:dear|attention,?) (?:verifier|reviewer|model|assistant)|you are (?:the|a|an) (?:verifier|reviewer|assistant|language model)|system prompt|do not (?:check|verify) (?:this|the))\b/iu;

/** Judges one finding. Total: anything that decodes gets a verdict. */
export function verifyFinding(finding: Finding, context: FindingContext): FindingVerdict {
  if (!findingContract.rules.safeParse(finding).success) return { accepted: false, reason: 'malformed-finding', checksPassed: 0, checksTotal: 1, needsJudgement: false };
  const document = context.corpus.documents.find((entry) => entry.textHash === finding.documentHash && entry.id === finding.documentId) ?? context.corpus.documents.find((entry) => entry.textHash === finding.documentHash);
  const quoted = document === undefined || context.text === null ? null : quotedUnits(finding, context.text, document);
  const inOtherWords = quoted === null || !isRunOfSentences(finding.claim, quoted);
  const checks: (VerifyReason | null)[] = [
    ...sourceFaults(finding, document, context),
    ...quoteFaults(finding, context.text ?? '', quoted),
    instruction.test(finding.quote) || instruction.test(finding.claim) ? 'instruction-in-quote' : null,
    !inOtherWords ? null : context.paraphraseAllowed ? paraphraseFault(finding.claim, finding.quote) : 'claim-not-in-quote',
    context.item !== null && !context.paraphraseAllowed && !sharesTerm(context.item.question, finding, quoted) ? 'off-topic' : null,
  ];
  const reason = checks.find((fault) => fault !== null) ?? '';
  return { accepted: reason === '', reason, checksPassed: checks.filter((fault) => fault === null).length, checksTotal: checks.length, needsJudgement: reason === '' && inOtherWords };
}

function sourceFaults(finding: Finding, document: CorpusDocument | undefined, context: FindingContext): readonly (VerifyReason | null)[] {
  const { corpus, text, nowMs, item } = context;
  return [
    document === undefined || text === null ? 'document-unknown' : null,
    document !== undefined && document.id !== finding.documentId ? 'document-name-differs' : null,
    document !== undefined && text !== null && contentHash(Buffer.from(text)) !== document.textHash ? 'document-altered' : null,
    document !== undefined && corpus.maxAgeMs > 0 && nowMs - document.modifiedAtMs > corpus.maxAgeMs ? 'document-stale' : null,
    document !== undefined && document.modifiedAtMs !== finding.freshAtMs ? 'freshness-differs' : null,
    item !== null && item.id !== finding.subQuestion ? 'sub-question-differs' : null,
  ];
}

function quoteFaults(finding: Finding, text: string, quoted: readonly Unit[] | null): readonly (VerifyReason | null)[] {
  const stands = text.startsWith(finding.quote, finding.position);
  return [
    stands || text.includes(finding.quote) ? null : 'quote-not-in-document',
    stands ? null : 'quote-misplaced',
    quoted === null ? 'quote-not-whole-sentences' : null,
    quoted !== null && quoted.some((unit) => !unit.quotable) ? 'quote-out-of-context' : null,
  ];
}

/** The sentences that the quote's span covers exactly, all of one block; null when it cuts into one. */
function quotedUnits(finding: Finding, text: string, document: CorpusDocument): readonly Unit[] | null {
  const end = finding.position + finding.quote.length;
  const units = splitUnits(text, document.mediaType);
  const from = units.findIndex((unit) => unit.start === finding.position);
  const to = units.findIndex((unit) => unit.end === end);
  if (from < 0 || to < from || units[from]?.block !== units[to]?.block) return null;
  return units.slice(from, to + 1);
}

function sharesTerm(question: string, finding: Finding, quoted: readonly Unit[] | null): boolean {
  const asked = termSet(question);
  const context = quoted?.map((unit) => `${unit.heading} ${unit.leadIn}`).join(' ') ?? '';
  const said = termSet(`${finding.quote} ${context} ${finding.documentId.replace(/[/\\]/g, ' ')}`);
  return [...asked].some((term) => said.has(term));
}
