// The policy that a deployment puts in force: the workflows and principals that ship, and those of its own files.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { policyDefaults, type Policy, type PrincipalPolicy } from '../services/blackboard/policy.js';
import type { Workflow } from '../services/blackboard/workflow.js';
import { BlackboardError } from '../services/runtime/errors.js';
import { snapshotPrincipal } from '../services/runtime/snapshot-store.js';
import { parseStrictJson } from '../services/runtime/strict-json.js';
import { briefWithLiarWorkflow, briefWorkflow } from './brief/workflow.js';
import { noopWorkflow } from './noop/workflow.js';

const principalSchema = z.record(z.string().regex(/^[a-z0-9-]{1,64}$/), z.strictObject({
  role: z.enum(['orchestrator', 'ingress', 'upstream', 'agent', 'verifier', 'gateway', 'projector', 'operator', 'replay']),
  agent: z.string().default(''),
  tenants: z.array(z.string()).default([]),
}));

const agent = (name: string): PrincipalPolicy => ({ role: 'agent', agent: name, tenants: [] });
const verifier = (name: string): PrincipalPolicy => ({ role: 'verifier', agent: name, tenants: [] });

/** Who may do what when nothing else is said. */
export const shippedPrincipals: Readonly<Record<string, PrincipalPolicy>> = {
  orchestrator: { role: 'orchestrator', agent: '', tenants: [] },
  ingress: { role: 'ingress', agent: '', tenants: ['*'] },
  gateway: { role: 'gateway', agent: '', tenants: [] },
  bridge: { role: 'upstream', agent: '', tenants: ['*'] },
  collector: agent('collector'), planner: agent('planner'), researcher: agent('researcher'), liar: agent('liar'), writer: agent('writer'),
  verifier: verifier('verifier'), reviewer: verifier('reviewer'), noop: agent('noop'),
};

const shippedNames = Object.keys(shippedPrincipals);
export const agentsThatShip: readonly string[] = shippedNames.filter((name) => shippedPrincipals[name]?.agent !== '');
/** Whose key is no agent's; the last two sign no claim, so that no policy names them. */
export const servicePrincipals: readonly string[] = [...shippedNames.filter((name) => !agentsThatShip.includes(name)), 'projector', snapshotPrincipal];

export const shippedWorkflows: readonly Workflow[] = [briefWorkflow, briefWithLiarWorkflow, noopWorkflow];

export interface PolicyFiles {
  /** JSON object principal → {role, agent, tenants}; added to those that ship. */
  readonly principalsFile?: string | undefined;
}

/** @throws BlackboardError CONFIG_INVALID naming file, field and rule. */
export function loadPolicy(files: PolicyFiles = {}, more: { readonly workflows?: readonly Workflow[]; readonly principals?: Readonly<Record<string, PrincipalPolicy>> } = {}): Policy {
  const principals = files.principalsFile === undefined ? {} : read(files.principalsFile, principalSchema);
  return {
    ...policyDefaults, olderWorkflows: {},
    workflows: Object.fromEntries([...shippedWorkflows, ...(more.workflows ?? [])].map((workflow) => [workflow.name, workflow])),
    principals: { ...shippedPrincipals, ...more.principals, ...principals },
  };
}

function read<S extends z.ZodType>(path: string, schema: S): z.output<S> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new BlackboardError('CONFIG_INVALID', `${path} cannot be read: ${(error as Error).message}`, { path }, { cause: error });
  }
  // Of two entries of one name JSON.parse would take the last, and whoever reads the file may see the first.
  const json = parseStrictJson(bytes, { bytesMax: 16 * 1024 * 1024 });
  if (!json.ok) throw new BlackboardError('CONFIG_INVALID', `${path} cannot be read as JSON: ${json.path === undefined ? '' : `${json.path}: `}${json.message}`, { path });
  const parsed = schema.safeParse(json.value);
  if (parsed.success) return parsed.data;
  throw new BlackboardError('CONFIG_INVALID', `${path}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`, { path });
}
