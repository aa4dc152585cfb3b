// A researcher that fabricates, to show that lying has no effect. It knows the documents, signs properly and keeps the
// contract; what it says is false in one of the ways of `fabrications`. Never part of a workflow but the one with a liar.

import { contentHash } from '../../blackboard/ids.js';
import { findingContract } from '../../../workflows/brief/contracts.js';
import type { PlanItem } from '../../../workflows/brief/contracts.js';
import { passagesOf, textParam } from '../read-brief-inputs.js';
import type { Agent, ProposedArtifact, StepContext, StepOutcome } from '../sdk/agent.js';
import { fabrications, honestFinding, liesFor } from './fabrications.js';

export interface LiarOptions {
  /** Fabricated findings per step. */
  readonly liesPerStep: number;
}

/** The agent that lies; parameters, inputs and output are the researcher's. */
export function createLiar(options: LiarOptions = { liesPerStep: 3 }): Agent {
  return { name: 'liar', version: '1.0.0', promptHash: '', owns: 'nothing: it is here to be refused', run: (context) => lie(context, options) };
}

async function lie(context: StepContext, { liesPerStep }: LiarOptions): Promise<StepOutcome> {
  const item: PlanItem = { id: textParam(context, 'id'), question: textParam(context, 'question') };
  const { index, sources } = await passagesOf(context);
  const { job, step, attempt } = context.request;
  const seed = Number.parseInt(contentHash(Buffer.from(`${job}/${step}`)).slice(0, 8), 16);
  const honest = honestFinding(sources, item, seed);
  if (honest === null || index.passageCount === 0) return { outcome: 'proposed', artifacts: [] };
  const artifacts = liesFor(job, step, attempt, liesPerStep).map((kind): ProposedArtifact => {
    const finding = fabrications[kind]({ honest, sources, item });
    // The evidence cites a document that the step was given: the gate's own checks are not what refuses it.
    const reference = sources.some(({ document }) => document.textHash === finding.documentHash) ? finding.documentHash : honest.documentHash;
    return {
      type: 'finding',
      body: context.write(findingContract, finding),
      evidence: [{ source: 'document', reference, position: finding.position }],
      confidence: finding.confidence,
      freshAtMs: finding.freshAtMs,
    };
  });
  return { outcome: 'proposed', artifacts };
}
