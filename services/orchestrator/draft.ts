// A decision while its size is still open: its facts are encoded once, as they come, and can be taken back to a mark,
// with all that they did to the state. So what does not fit one append (R1) leaves nothing behind.

import type { Fact } from '../../schemas/generated/events.js';
import type { Turn } from './turn.js';

export interface BatchLimits {
  /** Frame and body of a fact. */
  encode(fact: Fact): Buffer;
  readonly batchBytesMax: number;
  readonly batchRecordsMax: number;
}

/** What a refusal takes at the most, so that there is always room for the answer to a claim. */
const answerBytesMax = 16 * 1024;
const answerRecordsMax = 4;

export class Draft {
  readonly #encoded: Buffer[] = [];
  #bytes = 0;

  constructor(
    readonly turn: Turn,
    private readonly limits: BatchLimits,
  ) {}

  /** Facts so far: where `rollback` goes back to. */
  get mark(): number {
    return this.turn.facts.length;
  }

  /** Frame and body of each fact, in order. @throws what the codec says of a fact that no schema takes. */
  encoded(): readonly Buffer[] {
    for (const fact of this.turn.facts.slice(this.#encoded.length)) {
      const value = this.limits.encode(fact);
      this.#encoded.push(value);
      this.#bytes += value.length;
    }
    return this.#encoded;
  }

  rollback(mark: number): void {
    this.turn.rollback(mark);
    for (const value of this.#encoded.splice(mark)) this.#bytes -= value.length;
  }

  /** Whether all of it is one append. */
  fits(): boolean {
    const { batchBytesMax, batchRecordsMax } = this.limits;
    return this.encoded().length <= batchRecordsMax && this.#bytes <= batchBytesMax;
  }

  /** Whether so much may be spent on timers that others may still be added: half of a batch. */
  isHalfEmpty(): boolean {
    const { batchBytesMax, batchRecordsMax } = this.limits;
    return this.encoded().length <= batchRecordsMax / 2 && this.#bytes <= batchBytesMax / 2;
  }

  /** Whether the answer to a claim fits behind it. */
  leavesRoom(): boolean {
    const { batchBytesMax, batchRecordsMax } = this.limits;
    return this.encoded().length <= batchRecordsMax - answerRecordsMax && this.#bytes <= batchBytesMax - answerBytesMax;
  }
}
