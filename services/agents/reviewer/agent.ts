// Reviews a draft sentence by sentence, as another principal than the writer. Its refusal is a list of codes and
// sentence numbers, so that a refused text never reaches another prompt through it.

import { contentHash } from '../../blackboard/ids.js';
import { BlackboardError } from '../../runtime/errors.js';
import { briefContract } from '../../../workflows/brief/contracts.js';
import type { Brief } from '../../../workflows/brief/contracts.js';
import { reviewBrief } from '../../../workflows/brief/review-brief.js';
import { judgeSupport, supportSystem } from '../judge-support.js';
import { findingsOf, planOf } from '../read-brief-inputs.js';
import type { Agent, Candidate, RejectionReason, StepContext, StepOutcome, Verdict } from '../sdk/agent.js';

const reasonsMax = 32;

/** The agent that reviews briefs; inputs `plan@1` and `finding@1`. */
export function createReviewer(): Agent {
  return { name: 'reviewer', version: '1.0.0', promptHash: contentHash(Buffer.from(supportSystem)), owns: 'a sentence that its citation does not support', run: review };
}

async function review(context: StepContext): Promise<StepOutcome> {
  const verdicts: Verdict[] = [];
  for (const candidate of context.request.candidates) verdicts.push(await verdictOn(context, candidate));
  return { outcome: 'judged', verdicts };
}

async function verdictOn(context: StepContext, candidate: Candidate): Promise<Verdict> {
  const plan = await planOf(context);
  const brief = candidate.contract === briefContract.name ? await readBrief(context, candidate) : null;
  if (brief === null || plan === null) return refusal(candidate, [{ code: brief === null ? 'malformed-brief' : 'plan-missing', position: -1 }], 0, 1);
  const findings = await findingsOf(context);
  const result = reviewBrief(brief, plan, findings, context.model !== null);
  if (!result.accepted) return refusal(candidate, result.reasons, result.checksPassed, result.checksTotal);
  const byHash = new Map(findings.map(({ hash, finding }) => [hash, finding]));
  const unsupported: RejectionReason[] = [];
  for (const position of result.needJudgement) {
    const sentence = brief.sentences[position];
    const quotes = sentence?.citations.flatMap((hash) => byHash.get(hash)?.quote ?? []) ?? [];
    if (sentence === undefined || !(await judgeSupport(context.model, sentence.text, quotes))) unsupported.push({ code: 'sentence-not-supported', position });
  }
  const total = result.checksTotal + result.needJudgement.length;
  if (unsupported.length > 0) return refusal(candidate, unsupported, total - unsupported.length, total);
  return { hash: candidate.hash, accepted: true, reason: '', checksPassed: total, checksTotal: total };
}

const refusal = (candidate: Candidate, reasons: readonly RejectionReason[], checksPassed: number, checksTotal: number): Verdict => ({
  hash: candidate.hash,
  accepted: false,
  reason: reasons[0]?.code ?? 'malformed-brief',
  checksPassed,
  checksTotal,
  reasons: reasons.slice(0, reasonsMax),
});

async function readBrief(context: StepContext, candidate: Candidate): Promise<Brief | null> {
  try {
    return await context.read(briefContract, candidate);
  } catch (error) {
    if (error instanceof BlackboardError && error.code === 'INPUT_INVALID') return null;
    throw error;
  }
}
