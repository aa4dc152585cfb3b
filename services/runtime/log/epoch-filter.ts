// R3 and R7: one number per partition. A fact counts if and only if its epoch is the offset of the newest marker
// before it; a marker always counts, and is the epoch of what follows. All else is inert for every reader.

import type { EventType } from '../../../schemas/generated/events.js';

/** No marker is known: nothing counts until the next one. */
export const noEpoch = -1;

export class EpochFilter {
  #epoch: number;

  /** @param epoch the one in force at the first offset that will be shown, or `noEpoch`. */
  constructor(epoch: number = noEpoch) {
    this.#epoch = epoch;
  }

  /** The epoch in force behind the last record shown. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Shows the next record of the partition; offsets must rise without a gap. */
  counts(offset: number, type: EventType, epoch: number): boolean {
    if (type !== 'EpochStarted') return epoch === this.#epoch && epoch !== noEpoch;
    this.#epoch = offset;
    return true;
  }
}
