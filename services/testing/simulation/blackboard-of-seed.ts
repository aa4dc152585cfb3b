// What every run has: schemas, keys, contracts, workflows and a policy. Built once per process; nothing of it changes.

import { join } from 'node:path';
import { z } from 'zod';
import type { Contract } from '../../blackboard/contract.js';
import { policyDefaults, type Policy } from '../../blackboard/policy.js';
import { defineWorkflow } from '../../blackboard/workflow.js';
import { embeddedCodec } from '../../runtime/codec/embedded-codec.js';
import { snapshotPrincipal } from '../../runtime/snapshot-store.js';
import { projectRoot } from '../../runtime/project-root.js';
import { topicNames } from '../../../topics/topics.js';
import { lateSchema } from './late-schema.js';
import { RememberingCodec } from './remembering-codec.js';
import { RememberingKeyring } from './remembering-keyring.js';

export interface Note { readonly text: string }
export interface Plan { readonly items: readonly { readonly id: string; readonly topic: string }[] }

export const note: Contract<Note> = {
  name: 'note@1', evidenceRequired: false,
  avro: { type: 'record', name: 'Note', fields: [{ name: 'text', type: 'string' }] },
  rules: z.strictObject({ text: z.string().min(1).max(50_000) }),
};
export const cited: Contract<Note> = { ...note, name: 'cited@1', avro: { type: 'record', name: 'Cited', fields: [{ name: 'text', type: 'string' }] }, evidenceRequired: true };
export const plan: Contract<Plan> = {
  name: 'plan@1', evidenceRequired: false,
  avro: { type: 'record', name: 'Plan', fields: [{ name: 'items', type: { type: 'array', items: { type: 'record', name: 'PlanItem', fields: [{ name: 'id', type: 'string' }, { name: 'topic', type: 'string' }] } } }] },
  rules: z.strictObject({ items: z.array(z.strictObject({ id: z.string(), topic: z.string() })).min(1).max(8) }),
};

export const contracts: ReadonlyMap<string, Contract> = new Map<string, Contract>([note, cited, plan].map((contract) => [contract.name, contract as Contract]));

const times = { deadlineMs: 6_000, verificationDeadlineMs: 5_000 } as const;

/** Four kinds of steps: a plan, what it expands into (seen by a verifier), a join, and an end that is seen as well. */
const plannedWorkflow = defineWorkflow({
  name: 'planned', deadlineMs: 45_000, result: 'end',
  steps: [
    { id: 'plan', agent: 'planner', contract: 'plan@1', attempts: 3, ...times },
    { id: 'work', agent: 'maker', contract: 'note@1', verifier: 'checker', after: ['plan'], inputs: ['plan'], expandsFrom: 'plan', expandMax: 2, attempts: 3, backoffMs: 150, jobParams: ['topic?'], ...times },
    { id: 'join', agent: 'maker', contract: 'note@1', after: ['work'], inputs: ['work'], attempts: 2, confidenceMin: 0.5, ...times },
    { id: 'end', agent: 'maker', contract: 'note@1', verifier: 'checker', after: ['join'], inputs: ['join'], verifierInputs: ['work'], attempts: 3, variations: [{ kind: 'constraint', value: 'shorter' }], ...times },
  ],
});

/** Steps side by side, one of them optional, with every rule that an answer can break. */
const strictWorkflow = defineWorkflow({
  name: 'strict', deadlineMs: 40_000, result: 'third',
  steps: [
    { id: 'first', agent: 'planner', contract: 'plan@1', attempts: 2, ...times },
    { id: 'second', agent: 'maker', contract: 'cited@1', after: ['first'], inputs: ['first'], attempts: 2, freshForMs: 30_000, artifactsMax: 2, jobParams: ['topic'], ...times },
    { id: 'side', agent: 'maker', contract: 'note@1', verifier: 'checker', after: ['first'], inputs: ['first'], attempts: 2, required: false, backoffMs: 100, acceptedMin: 2, artifactsMax: 3, ...times },
    { id: 'third', agent: 'maker', contract: 'note@1', verifier: 'checker', after: ['second', 'side'], inputs: ['second', 'side'], attempts: 3, confidenceMin: 0.25, ...times },
  ],
});

/** One step after the other, and nobody looks: fewer records for each step than any other has. */
const chainWorkflow = defineWorkflow({
  name: 'chain', deadlineMs: 45_000, result: 'four',
  steps: [
    { id: 'one', agent: 'maker', contract: 'note@1', attempts: 3, jobParams: ['topic'], ...times },
    { id: 'two', agent: 'maker', contract: 'cited@1', after: ['one'], inputs: ['one'], attempts: 3, ...times },
    { id: 'three', agent: 'maker', contract: 'note@1', after: ['two'], inputs: ['two'], attempts: 3, backoffMs: 150, confidenceMin: 0.5, ...times },
    { id: 'four', agent: 'maker', contract: 'note@1', after: ['three'], inputs: ['three'], attempts: 3, ...times },
  ],
});

export const workflows = { planned: plannedWorkflow, strict: strictWorkflow, chain: chainWorkflow } as const;

export const policy: Policy = {
  ...policyDefaults, openJobsPerTenantMax: 40, olderWorkflows: {}, workflows,
  principals: {
    ingress: { role: 'ingress', agent: '', tenants: ['*'] }, orchestrator: { role: 'orchestrator', agent: '', tenants: [] }, gateway: { role: 'gateway', agent: '', tenants: [] },
    'upstream-acme': { role: 'upstream', agent: '', tenants: ['acme'] },
    planner: { role: 'agent', agent: 'planner', tenants: [] }, maker: { role: 'agent', agent: 'maker', tenants: [] },
    checker: { role: 'verifier', agent: 'checker', tenants: [] }, other: { role: 'agent', agent: 'other', tenants: [] },
    // A verifier under whose name a producer would like to pass its own work.
    twin: { role: 'verifier', agent: 'maker', tenants: [] },
  },
};

export const codec = embeddedCodec(join(projectRoot, 'schemas'), new RememberingCodec());
codec.learnLate(lateSchema.id, lateSchema.avro);
/** `ghost` has a key and no place in the policy; neither has who signs snapshots. */
export const keyring = new RememberingKeyring([...Object.keys(policy.principals), 'ghost', snapshotPrincipal].map((principal, index) => ({ principal, keyId: 'k1', secret: Buffer.alloc(32, index + 1) })));
export const topics = topicNames();

export const epochMs = 1_700_000_000_000;
