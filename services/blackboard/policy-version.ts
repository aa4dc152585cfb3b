// Versions and texts of policies and workflows. They are data that nobody changes, and every take-over, checkpoint and
// submission needs them: each is computed once per object or text.

import { canonicalJson, versionOf } from './ids.js';
import type { Policy } from './policy.js';
import type { Workflow } from './workflow.js';

/** A policy as a partition takes it over from a fact. Frozen all through: states share it. */
export interface AdoptedPolicy {
  readonly policy: Policy;
  readonly version: string;
  /** All it holds, older ones first, with their versions. */
  readonly workflows: readonly (readonly [string, Workflow])[];
}

/** Texts that are kept parsed: a process meets one policy, at times the one before and those of older workflows. */
const textsMax = 128;

const adopted = new Map<string, AdoptedPolicy>();
const workflowVersions = new WeakMap<Workflow, string>();
const policyVersions = new WeakMap<Policy, string>();
const policyTexts = new WeakMap<Policy, string>();
const withoutOlder = new WeakMap<Policy, Policy>();
const withOlder = new WeakMap<Policy, Map<string, Policy>>();

/** 16 hex digits. */
export function workflowVersionOf(workflow: Workflow): string {
  return once(workflowVersions, workflow, () => versionOf(workflow));
}

/** 16 hex digits; the older workflows that it carries for open jobs are no part of it. */
export function policyVersionOf(policy: Policy): string {
  return once(policyVersions, policy, () => versionOf({ ...policy, olderWorkflows: {} }));
}

/** Canonical JSON, as facts carry it. */
export function policyTextOf(policy: Policy): string {
  return once(policyTexts, policy, () => canonicalJson(policy));
}

/** The same policy for jobs that all began with what is in force. */
export function policyWithoutOlder(policy: Policy): Policy {
  return once(withoutOlder, policy, () => ({ ...policy, olderWorkflows: {} }));
}

/** The same policy with workflow versions of open jobs, by version; each combination is made once while few come by. */
export function policyWithOlder(policy: Policy, older: Readonly<Record<string, Workflow>>): Policy {
  const made = once(withOlder, policy, () => new Map<string, Policy>());
  const key = Object.keys(older).sort().join(' ');
  let combined = made.get(key);
  if (combined === undefined) {
    if (made.size >= textsMax) made.clear();
    made.set(key, combined = { ...policy, olderWorkflows: older });
  }
  return combined;
}

/** @throws SyntaxError when the text is not JSON. */
export function policyOfText(json: string): AdoptedPolicy {
  const known = adopted.get(json);
  if (known !== undefined) return known;
  const policy = frozen(JSON.parse(json) as Policy);
  const workflows = [...Object.values(policy.olderWorkflows), ...Object.values(policy.workflows)].map((workflow) => [workflowVersionOf(workflow), workflow] as const);
  const parsed = { policy, version: policyVersionOf(policy), workflows };
  if (adopted.size >= textsMax) adopted.delete(adopted.keys().next().value as string);
  adopted.set(json, parsed);
  return parsed;
}

function once<K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V {
  const there = known.get(key);
  if (there !== undefined) return there;
  const made = make();
  known.set(key, made);
  return made;
}

function frozen<T>(value: T): T {
  if (value !== null && typeof value === 'object') {
    for (const member of Object.values(value)) frozen(member);
    Object.freeze(value);
  }
  return value;
}
