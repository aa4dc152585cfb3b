import type { Dice } from '../../simulation/dice.js';
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
  /** Whether it has not yet struck all that a run must see struck; default: it has once it struck at all. */
  isOwed?(world: World): boolean;
  /** How often an effect was seen, once all is over. */
  effects(seen: Seen): number;
}

/** What a finished run has to show. */
export interface Seen {
  readonly world: World;
  /** Lines in the services' logs, by message. */
  lines(message: RegExp): number;
  /** Decisions on claims that a fault sent, e.g. `ClaimRefused late-attempt`, with how many. */
  decisions(fault: string): ReadonlyMap<string, number>;
}
