// What the bench adds to the workflows and principals of chaos: workflows that ask the adversary itself, so that it can
// answer badly as the one that was asked. A trap has many attempts, and none of its steps can hold up another job.

import type { PrincipalPolicy } from '../../blackboard/policy.js';
import { defineWorkflow } from '../../blackboard/workflow.js';
import { checked, principals as honestPrincipals } from '../chaos/workflows.js';

/** Note, worker, checker, note: what honest jobs run. */
export const honestWorkflow = checked;

const asked = { agent: 'mallory', attempts: 20, deadlineMs: 600_000, freshForMs: 60_000, confidenceMin: 0.5, artifactsMax: 3, required: false } as const;

/** Three steps side by side, each of which asks the adversary for another contract. */
export const baitWorkflow = defineWorkflow({
  name: 'bait', deadlineMs: 20 * 60_000, result: 'note',
  steps: [{ id: 'note', contract: 'note@1', ...asked }, { id: 'cited', contract: 'finding@1', ...asked }, { id: 'plan', contract: 'plan@1', ...asked }],
});

/** An honest note that the adversary's verifier is asked to look at. */
export const judgedWorkflow = defineWorkflow({
  name: 'judged', deadlineMs: 20 * 60_000, result: 'shown',
  steps: [{ id: 'shown', agent: 'worker', contract: 'note@1', verifier: 'mallory-checker', attempts: 20, deadlineMs: 600_000, verificationDeadlineMs: 5_000 }],
});

export const workflows = [honestWorkflow, baitWorkflow, judgedWorkflow];

/** The adversary's names. All have keys that the orchestrator knows; `ghost` has no place in the policy. */
const adversary: Readonly<Record<string, PrincipalPolicy>> = {
  mallory: { role: 'agent', agent: 'mallory', tenants: [] },
  'mallory-checker': { role: 'verifier', agent: 'mallory-checker', tenants: [] },
  // A verifier whose agent is the producer of honest notes: its second name.
  'second-name': { role: 'verifier', agent: 'worker', tenants: [] },
  intruder: { role: 'upstream', agent: '', tenants: ['initech'] },
};

export const principals = { ...honestPrincipals, ...adversary };
export const namesWithKeys = [...Object.keys(principals), 'ghost'];
