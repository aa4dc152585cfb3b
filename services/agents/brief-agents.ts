import { createCollector } from './collector/agent.js';
import { createLiar } from './liar/agent.js';
import { createPlanner } from './planner/agent.js';
import { createResearcher } from './researcher/agent.js';
import { createReviewer } from './reviewer/agent.js';
import type { Agent } from './sdk/agent.js';
import { createVerifier } from './verifier/agent.js';
import { createWriter } from './writer/agent.js';

/** The agents that ship, the liar included: it is asked only by the workflow that wants it. */
export function briefAgents(options: { readonly collectorRoots: readonly string[] }): readonly Agent[] {
  return [createCollector({ roots: options.collectorRoots }), createPlanner(), createResearcher(), createLiar(), createVerifier(), createWriter(), createReviewer()];
}
