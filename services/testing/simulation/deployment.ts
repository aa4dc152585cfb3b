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
    const own = isVaried ? limited(policy, this.#dice) : policy;
    this.#policies = isVaried && this.#dice.chance(0.5) ? [own, changed(own), without(own, 'upstream-acme')] : [own];
  }

  /** What a process that starts now wants in force. */
  policy(): Policy {
    return this.isVaried ? this.#dice.pick(this.#policies) : this.#policies[0] as Policy;
  }
}

function limited(policy: Policy, dice: Dice): Policy {
  return {
    ...policy,
    ...(dice.chance(0.35) ? { rememberMs: dice.between(500, 4_000) } : {}),
    ...(dice.chance(0.15) ? { openJobsPerTenantMax: dice.between(1, 3) } : {}),
  };
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
