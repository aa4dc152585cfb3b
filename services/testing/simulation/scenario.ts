// What a seed plays: workflows and their contracts, who may do what, the agents, and the jobs that are submitted. The
// storm, the log, the invariants and the adversary are the simulation's own and the same for every scenario.

import type { Agent } from '../../agents/sdk/agent.js';
import type { Contract } from '../../blackboard/contract.js';
import type { Policy } from '../../blackboard/policy.js';
import type { Keyring } from '../../runtime/keyring.js';
import type { Dice } from './dice.js';
import type { Faults } from './fault-kinds.js';
import type { Violation } from './run-seed.js';
import type { SimProcess } from './sim-process.js';
import type { World } from './world.js';

export interface AgentParts {
  readonly process: SimProcess;
  readonly dice: Dice;
  readonly faults: Faults;
  /** What `outside` made for this run. */
  readonly outside: unknown;
}

export interface SimulatedJob {
  readonly workflow: string;
  /** JSON object, as submitted. */
  readonly params: string;
}

/** Names of the policy under which the adversary speaks. */
export interface Adversary {
  /** A producer that posts verdicts. */
  readonly producer: string;
  readonly verifier: string;
  /** A verifier that answers for the same agent as the producer. */
  readonly twin: string;
  /** An agent that nobody asks. */
  readonly other: string;
  /** A role `upstream` bound to the tenant `acme`. */
  readonly upstream: string;
  /** True: it also answers with the credentials of those that were asked. What it says then may become a fact. */
  readonly hasStolenKeys: boolean;
}

export interface OwnScenario {
  /** Stands in for a model; null: there is none. */
  readonly model: ((request: { readonly system: string; readonly user: string; readonly name: string; readonly schema: unknown }, random: () => number) => unknown) | null;
  /** All that many seeds should reach, as `check` names it. */
  readonly sometimes: readonly string[];
  /** What the jobs of a run had to be besides the invariants, and what they reached. */
  check(played: { readonly world: World }): { readonly violations: readonly Violation[]; readonly reached: Readonly<Record<string, number>> };
}

export interface Scenario {
  readonly contracts: ReadonlyMap<string, Contract>;
  readonly policy: Policy;
  /** A key for each principal of the policy, and for `ghost`, which has no place in it. */
  readonly keyring: Keyring;
  readonly adversary: Adversary;
  /** Agents of one process, as it starts; those that verify run in processes of their own. */
  workers(parts: AgentParts): readonly Agent[];
  /** Empty: no workflow has a verifier. */
  verifiers(parts: AgentParts): readonly Agent[];
  /** A run's n-th job. */
  job(number: number, dice: Dice, seed: number): SimulatedJob;
  /** A job without a parameter that its workflow must have; null: no workflow asks for one. */
  readonly incomplete: SimulatedJob | null;
  /** A body that keeps the contract, as an adversary would make it up. */
  body(contract: string, dice: Dice): Buffer;
  /** Made anew for each run: what agents change outside of the blackboard. */
  outside(): unknown;
  /** What a user's own scenario needs; null: its agents take time and dice from what they are handed. */
  readonly own: OwnScenario | null;
}
