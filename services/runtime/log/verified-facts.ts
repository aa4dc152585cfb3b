// What a reader of `bb.verified` is handed: records that have passed the epoch filter, decoded only when asked for.

import type { EventType, Fact } from '../../../schemas/generated/events.js';
import type { EventCodec } from '../codec/event-codec.js';
import type { LogRecord } from './port.js';
import type { Position } from './position.js';

export class VerifiedFact {
  #decoded: Fact | null = null;

  constructor(
    readonly record: LogRecord,
    readonly type: EventType,
    /** The epoch under which it was sent; of a marker, its own offset. */
    readonly epoch: number,
    /** False: sent under a stale epoch, inert. Only readers that ask for them see such records. */
    readonly counts: boolean,
    private readonly codec: EventCodec,
  ) {}

  /** The agent that it is addressed to or comes from, read without decoding the rest. */
  peekAgent(): string {
    return this.codec.peekAgent(this.record.value);
  }

  /** The partition's time that it says, likewise. @throws BlackboardError SCHEMA_UNKNOWN */
  peekAtMs(): number {
    return this.#decoded?.atMs ?? this.codec.peekAtMs(this.record.value);
  }

  /** @throws BlackboardError SCHEMA_UNKNOWN */
  decode(): Fact {
    this.#decoded ??= this.codec.decodeFact(this.record.value) as Fact;
    return this.#decoded;
  }
}

/** Consecutive records of one partition. `records` has all of them, `facts` those that the reader wants to see. */
export class VerifiedBatch {
  #end: Position | null = null;

  constructor(
    readonly partition: number,
    readonly records: readonly LogRecord[],
    readonly facts: readonly VerifiedFact[],
    private readonly before: Position,
    private readonly codec: EventCodec,
  ) {}

  /** Offset of the first record. */
  get first(): number {
    return this.before.offset;
  }

  /** Offset behind the last record. */
  get next(): number {
    return this.before.offset + this.records.length;
  }

  /**
   * The position at an offset from `first` to `next`, for a commit; one SHA-256. It holds on to nothing, while the
   * batch holds on to its bytes: ask while handling the batch.
   */
  positionAt(offset: number): Position {
    if (offset === this.before.offset) return this.before;
    const last = this.records[offset - 1 - this.before.offset];
    if (last === undefined || offset < this.before.offset) throw new Error(`offset ${offset} is not in the batch ${this.first} to ${this.next}`);
    if (offset === this.next && this.#end !== null) return this.#end;
    const position = { offset, epoch: this.#epochAt(offset), digest: this.codec.digestHex(last.value) };
    if (offset === this.next) this.#end = position;
    return position;
  }

  /** Markers are rare: the newest one before `offset` is looked for among the few of this batch. */
  #epochAt(offset: number): number {
    let epoch = this.before.epoch;
    for (const fact of this.facts) {
      if (fact.record.offset >= offset) break;
      if (fact.type === 'EpochStarted') epoch = fact.record.offset;
    }
    return epoch;
  }
}
