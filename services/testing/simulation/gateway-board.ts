// Who the gateway of a run serves: the production verb over the production fold of capabilities, up to where this
// gateway has read.

import type { Fact } from '../../../schemas/generated/events.js';
import { authorize, type Asked, type Decision } from '../../gateway/authorize.js';
import { emptyCapabilities, foldCapabilities } from '../../gateway/capabilities.js';
import { isSignedBy, principalOfProof, readProofHeaders, requestPlace, type ProofHeaders, type SignedHttp } from '../../gateway/proof.js';
import type { Keyring } from '../../runtime/keyring.js';
import { EpochFilter } from '../../runtime/log/epoch-filter.js';
import type { MemoryLogStore } from '../../runtime/log/memory/memory-log.js';
import { codec, topics } from './blackboard-of-seed.js';

interface Reader {
  next: number;
  readonly filter: EpochFilter;
}

export type Access = { readonly proof: ProofHeaders; readonly decision: Decision } | 'not-read-so-far' | 'no-proof';

export class GatewayBoard {
  readonly #board = emptyCapabilities();
  readonly #readers: readonly Reader[];

  constructor(private readonly store: MemoryLogStore, partitions: number, private readonly keyring: Keyring) {
    this.#readers = Array.from({ length: partitions }, () => ({ next: 0, filter: new EpochFilter() }));
  }

  /** Reads all there is. */
  read(): void {
    this.#readers.forEach((reader, partition) => {
      const { next } = this.store.range(topics.verified, partition);
      for (const { offset, value } of this.store.slice({ topic: topics.verified, partition, from: reader.next, until: next, bytesMax: Infinity })) {
        const peeked = codec.peek(value);
        if (peeked !== null && reader.filter.counts(offset, peeked.type, peeked.epoch)) foldCapabilities(this.#board, codec.decodeFact(value) as Fact, { partition, offset });
      }
      reader.next = next;
    });
  }

  decide(headers: Readonly<Record<string, string>>, http: SignedHttp, asked: Asked, nowMs: number): Access {
    const proof = readProofHeaders(headers);
    if ('problem' in proof) return 'no-proof';
    const place = requestPlace(proof.name);
    if (place !== null && (this.#readers[place.partition]?.next ?? 0) <= place.offset) return 'not-read-so-far';
    const valid = isSignedBy(this.keyring, proof, http);
    return { proof, decision: authorize({ principal: principalOfProof(proof), valid, atMs: proof.atMs, name: proof.name }, asked, this.#board, nowMs) };
  }
}
