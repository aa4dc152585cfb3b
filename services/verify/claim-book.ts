// The claims of a partition as the audit needs them: decoded, with their signatures checked by the keys themselves and
// the partition's time counted anew. Independent of the orchestrator's inspection: only codec, keys and partitioner
// are shared.

import type { Claim } from '../../schemas/generated/events.js';
import { messageClassOf } from '../../schemas/generated/events.js';
import { signedPart, type Decoded, type EventCodec } from '../runtime/codec/event-codec.js';
import type { Keyring } from '../runtime/keyring.js';
import { partitionFor } from '../runtime/log/partitioner.js';
import type { LogRecord } from '../runtime/log/port.js';

export interface BookedClaim {
  readonly record: LogRecord;
  /** Null: no claim can be read from the bytes. */
  readonly claim: Claim | null;
  readonly decoded: Decoded;
  /** Null: there are no keys to tell. */
  readonly authentic: boolean | null;
  readonly routed: boolean;
  readonly digest: Buffer;
  /** Running maximum of the append times up to this one. */
  readonly timeMs: number;
}

export class ClaimBook {
  readonly #claims = new Map<number, BookedClaim>();
  #timeMs = 0;
  #next = 0;
  /** Those before it are forgotten. */
  #oldest = 0;

  constructor(private readonly parts: { readonly codec: EventCodec; readonly keyring: Keyring | null; readonly partitions: number }) {}

  /** Offset behind the last claim. */
  get next(): number {
    return this.#next;
  }

  /** Adds the next record of quarantine. */
  add(record: LogRecord): BookedClaim {
    const { codec, keyring, partitions } = this.parts;
    const decoded = codec.decode(record.value);
    const claim = decoded.ok && messageClassOf[decoded.event.type] === 'claim' ? (decoded.event as Claim) : null;
    this.#timeMs = Math.max(this.#timeMs, record.appendTimeMs);
    const authentic = claim === null || !decoded.ok ? false
      : keyring === null ? null : keyring.verify(claim.signer, claim.signature, decoded.schema.fingerprint, signedPart(decoded.body, claim.signature.length));
    const routed = claim !== null && record.key.toString('latin1') === claim.job && partitionFor(record.key, partitions) === record.partition;
    const booked = { record, claim, decoded, authentic, routed, digest: codec.digest(record.value), timeMs: this.#timeMs };
    if (this.#claims.size === 0) this.#oldest = record.offset;
    this.#claims.set(record.offset, booked);
    this.#next = record.offset + 1;
    return booked;
  }

  /** The claim at an offset, unless it was forgotten. */
  at(offset: number): BookedClaim | undefined {
    return this.#claims.get(offset);
  }

  /** The claim at an offset; those before it are forgotten. */
  take(offset: number): BookedClaim | undefined {
    for (; this.#oldest < Math.min(offset, this.#next); this.#oldest += 1) this.#claims.delete(this.#oldest);
    return this.#claims.get(offset);
  }
}
