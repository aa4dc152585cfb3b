// What the operators of a run have deployed, which differs from seed to seed and at times from process to process: an
// owner brings its own policy into a partition as it takes it, and how often it renews its epoch is its own affair.

import type { Policy } from '../../blackboard/policy.js';
import type { Workflow } from '../../blackboard/workflow.js';
import { Dice } from './dice.js';

export class Deployment {
  /** Decisions after which owners renew their epochs; undefined: the runtime's default. */
  readonly renewAfterRecords: number | undefined;
  readonly #dice: Dice;
  readonly #policies: readonly Policy[];

  /** `isVaried`: processes of one run may differ, and its limits may be tight. */
  constructor(seed: number, policy: Policy, private readonly isVaried: boolean) {
    // Dice of its own: what a deployment draws moves nothing else of a run.
    this.#dice = new Dice(seed ^ 0x2545f491);
    this.renewAfterRecords = this.#dice.chance(0.4) ? this.#dice.between(5, 60) : undefined;
    const variants = variantsOf(policy, isVaried ? limitsOf(this.#dice) : noLimits);
    this.#policies = isVaried && this.#dice.chance(0.5) ? variants : variants.slice(0, 1);
  }

  /** What a process that starts now wants in force. */
  policy(): Policy {
    return this.isVaried ? this.#dice.pick(this.#policies) : this.#policies[0] as Policy;
  }
}

interface Limits {
  readonly rememberMs: number | null;
  readonly openJobsPerTenantMax: number | null;
}

const noLimits: Limits = { rememberMs: null, openJobsPerTenantMax: null };

function limitsOf(dice: Dice): Limits {
  return { rememberMs: dice.chance(0.35) ? dice.pick([500, 1_000, 2_000, 4_000]) : null, openJobsPerTenantMax: dice.chance(0.15) ? dice.between(1, 3) : null };
}

/** By policy and limits: a policy is data whose version and text are computed once per object, and runs share them. */
const known = new WeakMap<Policy, Map<string, readonly Policy[]>>();

/** The policy under its limits, and what another operator has deployed in its place. */
function variantsOf(policy: Policy, { rememberMs, openJobsPerTenantMax }: Limits): readonly Policy[] {
  let ofPolicy = known.get(policy);
  if (ofPolicy === undefined) known.set(policy, ofPolicy = new Map());
  const key = `${rememberMs} ${openJobsPerTenantMax}`;
  let variants = ofPolicy.get(key);
  if (variants === undefined) {
    const own = { ...policy, ...(rememberMs === null ? {} : { rememberMs }), ...(openJobsPerTenantMax === null ? {} : { openJobsPerTenantMax }) };
    ofPolicy.set(key, variants = [own, changed(own), without(own, 'upstream-acme')]);
  }
  return variants;
}

/** Another version of each workflow: jobs that began with the other one stay on it. */
function changed(policy: Policy): Policy {
  const again = ([name, workflow]: readonly [string, Workflow]): readonly [string, Workflow] => [name, { ...workflow, description: 'another version', deadlineMs: workflow.deadlineMs - 1_000 }];
  return { ...policy, workflows: Object.fromEntries(Object.entries(policy.workflows).map(again)) };
}

/** A principal that is no longer trusted. */
function without(policy: Policy, name: string): Policy {
  return { ...policy, principals: Object.fromEntries(Object.entries(policy.principals).filter(([principal]) => principal !== name)) };
}
