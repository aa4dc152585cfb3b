// What a kind of hostile record is: how it is made from what an agent can see and sign, and what must become of it.

import type { Refusal } from '../../blackboard/reasons.js';
import type { EventCodec, Undecodable } from '../../runtime/codec/event-codec.js';
import type { ClaimSender, Fields } from '../chaos/claims.js';
import type { OpenRequest } from '../chaos/log-follower.js';
import type { Dice } from '../simulation/dice.js';

/** What the adversary knows when it makes a record: nothing but `bb.verified`, its keys and the schemas. */
export interface Vantage {
  readonly sender: Pick<ClaimSender, 'signed' | 'partitionOf'>;
  readonly codec: EventCodec;
  readonly dice: Dice;
  readonly partitions: number;
  /** Requests of honest jobs that were open when last looked at; null: none is. */
  honest(type?: OpenRequest['fact']['type']): OpenRequest | null;
  /** The last request of an honest job that has ended. */
  ended(): OpenRequest | null;
  /** An open request of the trap step to the adversary itself. */
  bait(step: 'note' | 'cited' | 'plan'): OpenRequest | null;
  /** An open request to the adversary's verifier. */
  judged(): OpenRequest | null;
  /** Bytes of a fact. */
  fact(): { readonly key: Buffer; readonly value: Buffer } | null;
  /** The adversary's own job that was accepted. */
  readonly own: { readonly key: Buffer; readonly value: Buffer; readonly fields: Fields };
}

export interface Made {
  /** Record key; where the job belongs unless `partition` says otherwise. */
  readonly key: Buffer;
  readonly value: Buffer;
  readonly partition?: number;
  /** The attempt that it is about, where the outcome depends on whether that is open. */
  readonly about?: OpenRequest;
}

/**
 * `always`: the gate answers before it looks at the job. `job-open`: `job-ended` once the job has ended.
 * `attempt-open`: besides, `late-attempt` once the attempt is closed. Which of them it must be is read off the log.
 */
export type Holds = 'always' | 'job-open' | 'attempt-open';

export interface Kind {
  readonly name: string;
  readonly expects: { readonly refused: Refusal; readonly holds: Holds } | { readonly deadLetter: Undecodable | 'not-a-claim' } | { readonly atTheDoor: 'APPEND_TOO_LARGE' };
  /** How often it comes up, against 1 of the others. */
  readonly share?: number;
  /** Closes the attempt of the adversary's own that it answers. */
  readonly closes?: boolean;
  /** Null: nothing to make it from just now. */
  make(at: Vantage): Made | null;
}

export function refused(reason: Refusal, holds: Holds = 'always'): Kind['expects'] {
  return { refused: reason, holds };
}

/** A record where its job belongs. */
export function about(request: OpenRequest, value: Buffer): Made {
  return { key: Buffer.from(request.fact.job), value, about: request };
}

/** Another hash each time. */
export function anyHash({ dice }: Vantage): string {
  return Array.from({ length: 8 }, () => dice.between(0, 2 ** 32 - 1).toString(16).padStart(8, '0')).join('');
}

/** The same claim with other contents under its old signature. */
export function alteredUnderSignature({ codec }: Vantage, value: Buffer, changes: Fields): Buffer {
  const decoded = codec.decode(value);
  if (!decoded.ok) throw new Error(`the adversary's own claim cannot be decoded: ${decoded.reason}`);
  return codec.encode({ ...decoded.event, ...changes } as typeof decoded.event);
}

/** Moves the cursor, sets the title, turns the reading direction, hides. */
export const terminalText = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202egnp.exe\u2066';
