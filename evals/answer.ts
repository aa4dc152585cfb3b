// The brief's pipeline without processes: the same pure functions that the agents call, one after the other.

import { encodeBody, readBody } from '../services/runtime/codec/contract-codec.js';
import { contentHash } from '../services/blackboard/ids.js';
import { composeBrief } from '../workflows/brief/compose-brief.js';
import type { CitedFinding } from '../workflows/brief/compose-brief.js';
import { briefContract, findingContract } from '../workflows/brief/contracts.js';
import type { Brief, Plan } from '../workflows/brief/contracts.js';
import { findPassages } from '../workflows/brief/find-passages.js';
import type { PassageIndex } from '../workflows/brief/rank-passages.js';
import { reviewBrief } from '../workflows/brief/review-brief.js';
import { splitQuestion } from '../workflows/brief/split-question.js';
import { verifyFinding } from '../workflows/brief/verify-finding.js';
import type { GoldenCorpus } from './golden.js';

export interface Answer {
  readonly plan: Plan;
  readonly brief: Brief;
  readonly verified: readonly CitedFinding[];
  readonly proposedCount: number;
  readonly reviewAccepted: boolean;
}

/** Plans, researches, verifies, composes and reviews one question. Pure but for hashing. */
export function answer(question: string, { corpus, sources }: GoldenCorpus, index: PassageIndex): Answer {
  const plan = splitQuestion(question);
  const verified: CitedFinding[] = [];
  let proposedCount = 0;
  for (const item of plan.items) {
    for (const proposed of findPassages(item, index)) {
      proposedCount += 1;
      const body = encodeBody(findingContract, proposed);
      const finding = readBody(findingContract, body);
      const text = sources.find(({ document }) => document.textHash === finding.documentHash)?.text ?? null;
      if (verifyFinding(finding, { corpus, text, item, nowMs: 0, paraphraseAllowed: false }).accepted) verified.push({ hash: contentHash(body), finding });
    }
  }
  const brief = readBody(briefContract, encodeBody(briefContract, composeBrief(plan, verified)));
  return { plan, brief, verified, proposedCount, reviewAccepted: reviewBrief(brief, plan, verified).accepted };
}
