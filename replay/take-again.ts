// Decisions taken again while somebody else reads the log: for the verifier, which decodes each record once and shows
// it to all its checkers. Stops at the first difference; the replay of that partition then tells all of them.

import { createHash } from 'node:crypto';
import type { Fact } from '../schemas/generated/events.js';
import type { PartitionState } from '../services/blackboard/board.js';
import { emptyPartition } from '../services/orchestrator/evolve.js';
import type { Decoded } from '../services/runtime/codec/event-codec.js';
import { EpochFilter } from '../services/runtime/log/epoch-filter.js';
import type { LogRecord } from '../services/runtime/log/port.js';
import type { BookedClaim } from '../services/verify/claim-book.js';
import { KeysHeld } from '../services/verify/keys-held.js';
import type { PartitionOpinion } from '../services/verify/stream-partition.js';
import type { SecondOpinion } from '../services/verify/verify-log.js';
import { EpochsSeen } from './epochs-seen.js';
import { recordedFact, type Recorded, type RecordedClaim, type RecordedFact } from './read-partition.js';
import type { RecordedBlackboard } from './readable-log.js';
import { redecide, type RedecideOptions } from './redecide.js';
import { replayLog } from './replay.js';

/** The second opinion of the production verbs on a recorded blackboard. */
export function decidedAgain(source: RecordedBlackboard, options: Omit<RedecideOptions, 'codec' | 'partitions' | 'keysHeld'>): SecondOpinion {
  return {
    begin: (_partition, partitions) => new DecisionsAgain({ ...options, codec: source.codec, partitions }, _partition),
    explain: async (partition) => {
      const { divergences } = await replayLog({ ...source, ...options, only: [partition] });
      return divergences.map((divergence) => ({
        what: `taken again, it differs (${divergence.kind}${divergence.field === '' ? '' : ` in ${divergence.field}`}): ${JSON.stringify({ claim: divergence.quarantineOffset, recorded: divergence.recorded, again: divergence.again })}`,
        record: { topic: source.topics.verified, partition, offset: divergence.verifiedOffset },
      }));
    },
  };
}

class DecisionsAgain implements PartitionOpinion {
  readonly #state: PartitionState;
  readonly #filter = new EpochFilter();
  readonly #epochs: EpochsSeen;
  readonly #keysHeld = new KeysHeld();
  #markerDigest: Buffer = Buffer.alloc(0);
  #open: { readonly cause: number; readonly facts: RecordedFact[]; readonly claim: RecordedClaim | null } | null = null;
  #decisions = 0;
  #differs = false;

  constructor(private readonly options: Omit<RedecideOptions, 'keysHeld'>, partition: number) {
    this.#state = emptyPartition(partition);
    this.#epochs = new EpochsSeen(options.codec);
  }

  add(record: LogRecord, decoded: Decoded & { readonly ok: true }, claim: BookedClaim | undefined): void {
    if (this.#differs) return;
    const fact = decoded.event as Fact;
    const counts = this.#filter.counts(record.offset, fact.type, fact.epoch);
    if (fact.type === 'EpochStarted') this.#epochs.began(record);
    const at = recordedFact(record, decoded);
    if (counts && fact.cause >= 0 && this.#open?.cause === fact.cause) {
      this.#open.facts.push(at);
      return;
    }
    this.#close();
    if (!counts) this.#take({ kind: 'inert', at, knownEpoch: this.#epochs.knows(record, fact) });
    else if (fact.cause >= 0) this.#open = { cause: fact.cause, facts: [at], claim: claim === undefined ? null : recordedClaim(claim) };
    else {
      if (fact.type === 'EpochStarted') this.#markerDigest = this.options.codec.digest(record.value);
      this.#take({ kind: 'bare', at, markerDigest: this.#markerDigest });
    }
  }

  finish(): { readonly decisions: number; readonly differs: boolean } {
    this.#close();
    return { decisions: this.#decisions, differs: this.#differs };
  }

  #close(): void {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    this.#decisions += 1;
    this.#take({ kind: 'decision', ...open });
  }

  #take(recorded: Recorded): void {
    if (!this.#differs) this.#differs = redecide(this.#state, recorded, { ...this.options, keysHeld: this.#keysHeld }).divergence !== null;
  }
}

function recordedClaim({ record, decoded, digest }: BookedClaim): RecordedClaim {
  return { record, decoded, digest, get rawDigest() { return createHash('sha256').update(record.value).digest(); } };
}
