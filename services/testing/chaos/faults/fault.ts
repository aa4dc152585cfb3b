import type { Dice } from '../../simulation/dice.js';
import { checkClaims } from '../check-claims.js';
import type { World } from '../world.js';

/** What a fault must look like from outside: see the classes in the failure playbook. */
export type OutcomeClass = 'MASK' | 'DELAY' | 'REJECT' | 'DEGRADE';

export interface Fault {
  readonly name: string;
  /** Its number in the failure playbook. */
  readonly number: string;
  readonly does: string;
  readonly outcome: OutcomeClass;
  /** What one sees when it struck and had an effect. */
  readonly shows: string;
  /** Between two strikes of a storm. */
  readonly everyMs: readonly [number, number];
  /** Of one run. */
  readonly timesMax?: number;
  /** Resolves when the strike is over; false when it could not strike now. */
  strike(world: World, dice: Dice): Promise<boolean>;
  /** Whether it has not yet struck all that a run must see struck; default: it has once an effect was seen. */
  isOwed?(world: World): boolean;
  /** How often an effect was seen until now. */
  effects(seen: Seen): number;
}

/** What a run has to show. */
export interface Seen {
  readonly world: World;
  /** Decisions on claims that a fault sent, e.g. `ClaimRefused late-attempt`, with how many. */
  decisions(fault: string): ReadonlyMap<string, number>;
}

export function seenIn(world: World): Seen {
  const { decisions } = checkClaims(world.claims.sent, world.follower.decided);
  return { world, decisions: (fault) => decisions.get(fault) ?? new Map() };
}
