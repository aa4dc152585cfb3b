// The production codec, and what it once said of a record's bytes. In a run a dozen processes and checkers read each
// record, all from the same buffer of the one log: it is decoded and digested once. What it hands out is shared, and
// in some runs frozen all through, so that nobody can come to change what others read. One schema is known only once
// it has been learnt, and facts that are marked so cannot be encoded: both as a run wants it.

import { createHash } from 'node:crypto';
import type { BlackboardEvent, EventType } from '../../../schemas/generated/events.js';
import { EventCodec, type Decoded } from '../../runtime/codec/event-codec.js';

/** A job whose parameters have this member cannot be accepted: writing that it was throws. */
export const throwsMark = 'throws-when-accepted';

interface Seen {
  decoded?: Decoded;
  fact?: BlackboardEvent;
  peeked?: { readonly type: EventType; readonly epoch: number } | null;
  agent?: string;
  digest?: Buffer;
  digestHex?: string;
}

export class RememberingCodec extends EventCodec {
  #seen = new Map<Buffer, Seen>();
  /** Whoever reads a record asks several things of it in a row. */
  #last: Buffer | null = null;
  #lastSeen: Seen = {};
  #freezes = false;
  #late = -1;
  #isLateKnown = false;

  /** Between two runs. What is decoded from here on is frozen, or not. */
  forget(freezes: boolean): void {
    this.#clear();
    this.#freezes = freezes;
    this.#isLateKnown = false;
  }

  /** Knows a schema only in runs, and parts of runs, in which it has been learnt. */
  learnLate(id: number, avro: unknown): void {
    super.learn(id, avro);
    this.#late = id;
  }

  /** What a registry tells about an id, within a run. */
  tell(id: number): void {
    if (id !== this.#late || this.#isLateKnown) return;
    this.#isLateKnown = true;
    this.#clear();
  }

  override knows(id: number): boolean {
    return (id !== this.#late || this.#isLateKnown) && super.knows(id);
  }

  override encode(event: BlackboardEvent): Buffer {
    if (event.type === 'JobAccepted' && event.params.includes(throwsMark)) throw new Error('thrown as told');
    return super.encode(event);
  }

  override learn(id: number, avro: unknown): void {
    super.learn(id, avro);
    this.#clear();
  }

  override decode(value: Buffer): Decoded {
    const seen = this.#of(value);
    if (seen.decoded === undefined) {
      seen.decoded = this.#isHidden(value) ? { ok: false, reason: 'unknown-schema-id', schemaId: this.#late } : super.decode(value);
      if (this.#freezes && seen.decoded.ok) freeze(seen.decoded.event);
    }
    return seen.decoded;
  }

  override decodeFact(value: Buffer): BlackboardEvent {
    const seen = this.#of(value);
    if (seen.fact === undefined) {
      seen.fact = super.decodeFact(value);
      if (this.#freezes) freeze(seen.fact);
    }
    return seen.fact;
  }

  override peek(value: Buffer): { readonly type: EventType; readonly epoch: number } | null {
    const seen = this.#of(value);
    if (seen.peeked === undefined) seen.peeked = this.#isHidden(value) ? null : super.peek(value);
    return seen.peeked;
  }

  override peekAgent(value: Buffer): string {
    const seen = this.#of(value);
    return seen.agent ??= super.peekAgent(value);
  }

  override digest(value: Buffer): Buffer {
    const seen = this.#of(value);
    return seen.digest ??= this.#isHidden(value) ? createHash('sha256').update(value).digest() : super.digest(value);
  }

  override digestHex(value: Buffer): string {
    const seen = this.#of(value);
    return seen.digestHex ??= this.digest(value).toString('hex');
  }

  override peekAtMs(value: Buffer): number {
    return this.decodeFact(value).atMs;
  }

  #isHidden(value: Buffer): boolean {
    return !this.#isLateKnown && value.length >= 5 && value[0] === 0 && value.readInt32BE(1) === this.#late;
  }

  #clear(): void {
    this.#seen = new Map();
    this.#last = null;
  }

  #of(value: Buffer): Seen {
    if (value === this.#last) return this.#lastSeen;
    let seen = this.#seen.get(value);
    if (seen === undefined) this.#seen.set(value, seen = {});
    this.#last = value;
    this.#lastSeen = seen;
    return seen;
  }
}

function freeze(value: unknown): void {
  // Bytes cannot be frozen.
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return;
  for (const member of Object.values(value)) freeze(member);
  Object.freeze(value);
}
