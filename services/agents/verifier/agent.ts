// Checks findings against the documents themselves, as another principal than the researcher. Deterministic; a model
// is asked only about a claim in other words than its quote, and only after every deterministic check has passed.

import { contentHash } from '../../blackboard/ids.js';
import { BlackboardError } from '../../runtime/errors.js';
import { findingContract } from '../../../workflows/brief/contracts.js';
import type { Corpus, Finding, PlanItem } from '../../../workflows/brief/contracts.js';
import { verifyFinding } from '../../../workflows/brief/verify-finding.js';
import type { VerifyReason } from '../../../workflows/brief/verify-finding.js';
import { judgeSupport, supportSystem } from '../judge-support.js';
import { corpusOf, documentText } from '../read-brief-inputs.js';
import type { Agent, Candidate, StepContext, StepOutcome, Verdict } from '../sdk/agent.js';

const noCorpus: Corpus = { collectedAtMs: 0, maxAgeMs: 0, documents: [], skipped: [] };

/** The agent that verifies findings; inputs `corpus@1`, params of the research step when they are known. */
export function createVerifier(): Agent {
  return { name: 'verifier', version: '1.0.0', promptHash: contentHash(Buffer.from(supportSystem)), owns: 'a finding that its source does not bear out', run: verify };
}

async function verify(context: StepContext): Promise<StepOutcome> {
  const corpus = (await corpusOf(context)) ?? noCorpus;
  const texts = new Map<string, Promise<string | null>>();
  const textOf = (hash: string): Promise<string | null> => {
    const known = texts.get(hash) ?? documentText(context, hash);
    texts.set(hash, known);
    return known;
  };
  const verdicts: Verdict[] = [];
  for (const candidate of context.request.candidates) verdicts.push(await verdictOn(context, candidate, corpus, textOf));
  return { outcome: 'judged', verdicts };
}

async function verdictOn(context: StepContext, candidate: Candidate, corpus: Corpus, textOf: (hash: string) => Promise<string | null>): Promise<Verdict> {
  const finding = candidate.contract === findingContract.name ? await readFinding(context, candidate) : null;
  if (finding === null) return refusal(candidate, 'malformed-finding', 0, 1);
  const known = corpus.documents.some((document) => document.textHash === finding.documentHash);
  const verdict = verifyFinding(finding, {
    corpus,
    text: known ? await textOf(finding.documentHash) : null,
    item: itemOf(context),
    nowMs: context.request.requestedAtMs,
    paraphraseAllowed: context.model !== null,
  });
  const cites = candidate.evidence.some((evidence) => evidence.source === 'document' && evidence.reference === finding.documentHash && evidence.position === finding.position);
  const total = verdict.checksTotal + 1;
  const passed = verdict.checksPassed + (cites ? 1 : 0);
  if (verdict.reason !== '') return refusal(candidate, verdict.reason, passed, total);
  if (!cites) return refusal(candidate, 'evidence-differs', passed, total);
  if (verdict.needsJudgement && !(await judgeSupport(context.model, finding.claim, [finding.quote]))) return refusal(candidate, 'support-refused', passed, total + 1);
  return { hash: candidate.hash, accepted: true, reason: '', checksPassed: total, checksTotal: total };
}

const refusal = (candidate: Candidate, reason: VerifyReason, checksPassed: number, checksTotal: number): Verdict => ({
  hash: candidate.hash,
  accepted: false,
  reason,
  checksPassed,
  checksTotal,
  reasons: [{ code: reason, position: -1 }],
});

async function readFinding(context: StepContext, candidate: Candidate): Promise<Finding | null> {
  try {
    return await context.read(findingContract, candidate);
  } catch (error) {
    if (error instanceof BlackboardError && error.code === 'INPUT_INVALID') return null;
    throw error;
  }
}

function itemOf(context: StepContext): PlanItem | null {
  const { id, question } = context.request.params;
  return typeof id === 'string' && typeof question === 'string' ? { id, question } : null;
}
