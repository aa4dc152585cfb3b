// Whether somebody was the owner under whose epoch a fact was sent. An epoch is its marker's offset; only a renewal
// writes the checkpoint of an epoch in one append with its marker (R3), so that both land further up when a stranger's
// record came first: the checkpoint then names the offset that its marker was to have, and counts for nobody.

import type { Fact } from '../schemas/generated/events.js';
import type { EventCodec } from '../services/runtime/codec/event-codec.js';
import type { LogRecord } from '../services/runtime/log/port.js';

/** Shown all facts of one partition in order. */
export class EpochsSeen {
  readonly #markers = new Set<number>();
  #last: LogRecord | null = null;

  constructor(private readonly codec: EventCodec) {}

  began(marker: LogRecord): void {
    this.#markers.add(marker.offset);
    this.#last = marker;
  }

  knows(record: LogRecord, fact: Fact): boolean {
    return this.#markers.has(fact.epoch) || this.#isDisplacedRenewal(record, fact);
  }

  #isDisplacedRenewal(record: LogRecord, fact: Fact): boolean {
    const marker = this.#last;
    return marker !== null && fact.type === 'Checkpointed' && record.offset === marker.offset + 1 && fact.epoch < marker.offset && fact.causeDigest.equals(this.codec.digest(marker.value));
  }
}
