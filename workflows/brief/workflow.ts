// The main job: a question and a folder of documents become a brief whose every sentence cites a verified finding.
// Finding nothing completes a research step; what was not found is said in the brief.

import { defineWorkflow } from '../../services/blackboard/workflow.js';
import type { Workflow, WorkflowInput } from '../../services/blackboard/workflow.js';
import { briefContract, corpusContract, findingContract, planContract } from './contracts.js';
import { limits } from './limits.js';

type StepInput = WorkflowInput['steps'][number];

const collect: StepInput = {
  id: 'collect',
  agent: 'collector',
  contract: corpusContract.name,
  jobParams: ['docs', 'maxAgeMs?', 'include?'],
  deadlineMs: 60_000,
  attempts: 2,
  backoffMs: 200,
  artifactsMax: 1,
};

const plan: StepInput = {
  id: 'plan',
  agent: 'planner',
  contract: planContract.name,
  after: ['collect'],
  jobParams: ['question'],
  deadlineMs: 60_000,
  artifactsMax: 1,
};

const research: StepInput = {
  id: 'research',
  agent: 'researcher',
  contract: findingContract.name,
  after: ['plan'],
  inputs: ['collect'],
  verifier: 'verifier',
  verifierInputs: ['collect'],
  expandsFrom: 'plan',
  expandMax: limits.itemsMax,
  deadlineMs: 120_000,
  verificationDeadlineMs: 120_000,
  attempts: 2,
  backoffMs: 200,
  variations: [{ kind: 'constraint', value: 'quotes-only' }],
  acceptedMin: 1,
  mayFindNothing: true,
  artifactsMax: 8,
  required: false,
};

/** The same step by the agent that fabricates: what it posts is verified like everything else. */
const lies: StepInput = { ...research, id: 'lies', agent: 'liar', attempts: 1, variations: [] };

const write = (researched: readonly string[]): StepInput => ({
  id: 'write',
  agent: 'writer',
  contract: briefContract.name,
  after: [...researched],
  inputs: ['plan', ...researched],
  verifier: 'reviewer',
  verifierInputs: ['plan', ...researched],
  jobParams: ['question'],
  deadlineMs: 120_000,
  verificationDeadlineMs: 120_000,
  attempts: 3,
  backoffMs: 200,
  variations: [
    { kind: 'constraint', value: 'verified-claims-only' },
    { kind: 'constraint', value: 'without-refused-sentences' },
  ],
  artifactsMax: 1,
});

/** Collect, plan, research in parallel, write; job parameters `docs`, `question`, and optionally `maxAgeMs`, `include`. */
export const briefWorkflow: Workflow = defineWorkflow({
  name: 'brief',
  description: 'Answers a question from a folder of documents, every sentence with a verified quote.',
  deadlineMs: 600_000,
  steps: [collect, plan, research, write(['research'])],
  result: 'write',
});

/** As `briefWorkflow`, with a second researcher on every sub-question that fabricates. */
export const briefWithLiarWorkflow: Workflow = defineWorkflow({
  name: 'brief-with-liar',
  description: 'The brief with a researcher beside it that fabricates findings: none of them may reach the brief.',
  deadlineMs: 600_000,
  steps: [collect, plan, research, lies, write(['research', 'lies'])],
  result: 'write',
});
