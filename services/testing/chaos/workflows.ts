import { defineWorkflow } from '../../blackboard/workflow.js';
import type { PrincipalPolicy } from '../../blackboard/policy.js';

/** Steps are retried with patience: during a storm an answer may come late, and none of that may end a job. */
const patience = { attempts: 8, backoffMs: 200, deadlineMs: 60_000, verificationDeadlineMs: 60_000, contract: 'note@1', agent: 'worker' } as const;
const jobDeadlineMs = 20 * 60_000;

/** Two steps whose notes the gate admits by its own checks. */
export const plain = defineWorkflow({
  name: 'chaos-plain', deadlineMs: jobDeadlineMs, result: 'two',
  steps: [{ id: 'one', ...patience }, { id: 'two', after: ['one'], inputs: ['one'], ...patience }],
});

/** The second step may read the first one's note only once an independent verifier has accepted it. */
export const checked = defineWorkflow({
  name: 'chaos-checked', deadlineMs: jobDeadlineMs, result: 'two',
  steps: [{ id: 'one', verifier: 'checker', ...patience }, { id: 'two', after: ['one'], inputs: ['one'], ...patience }],
});

/** The first step asks a model, and its answer is looked at. */
export const modelled = defineWorkflow({
  name: 'chaos-model', deadlineMs: jobDeadlineMs, result: 'two',
  steps: [
    { id: 'one', verifier: 'checker', params: { model: true }, variations: [{ kind: 'tier', value: 'higher' }], ...patience },
    { id: 'two', after: ['one'], inputs: ['one'], ...patience },
  ],
});

export const workflows = [plain, checked, modelled];

/** `twin` has the credentials of a second name of the worker's owner: it is never asked for anything. */
export const principals: Readonly<Record<string, PrincipalPolicy>> = {
  worker: { role: 'agent', agent: 'worker', tenants: [] },
  checker: { role: 'verifier', agent: 'checker', tenants: [] },
  twin: { role: 'verifier', agent: 'twin', tenants: [] },
};
