// Appends claims to quarantine under the key and partition of their job, signed as ingress; reads one back where a
// caller asks what became of it. An append whose outcome is unknown is never called a success.

import type { CancelRequested, JobSubmitted } from '../../schemas/generated/events.js';
import type { TopicNames } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import { BlackboardError } from '../runtime/errors.js';
import { DoorError } from '../runtime/http-door.js';
import type { Keyring } from '../runtime/keyring.js';
import { partitionFor } from '../runtime/log/partitioner.js';
import type { LogPort } from '../runtime/log/port.js';
import { through, type Seams } from '../runtime/seams.js';
import type { Unsigned } from './admit.js';

export interface Place {
  readonly partition: number;
  /** On quarantine. */
  readonly offset: number;
}

export interface ClaimLogParts {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly keyring: Keyring;
  readonly topics: TopicNames;
  readonly partitions: number;
  readonly seams: Seams;
}

export class ClaimLog {
  constructor(private readonly parts: ClaimLogParts) {}

  get signer(): string {
    return this.parts.keyring.signerOf('ingress');
  }

  partitionOf(job: string): number {
    return partitionFor(Buffer.from(job), this.parts.partitions);
  }

  /** @throws DoorError 503 when it is not, or perhaps not, in the log. */
  async append(claim: Unsigned<JobSubmitted> | Unsigned<CancelRequested>): Promise<Place> {
    const { log, codec, keyring, topics, seams } = this.parts;
    const value = codec.encodeSigned({ signature: Buffer.alloc(0), ...claim } as JobSubmitted | CancelRequested, (fingerprint, body) => keyring.sign(claim.signer, fingerprint, body));
    const partition = this.partitionOf(claim.job);
    const key = Buffer.from(claim.job);
    const seam = claim.type === 'JobSubmitted' ? 'ingress.append-submission' : 'ingress.append-cancellation';
    try {
      const { baseOffset } = await through(seams, seam, () => log.append({ topic: topics.quarantine, partition, records: [{ key, value }] }));
      return { partition, offset: baseOffset };
    } catch (error) {
      throw notAppended(error);
    }
  }

  /** The submission at a place; null when there is none. */
  async submissionAt(place: Place): Promise<JobSubmitted | null> {
    const { log, codec, topics, partitions } = this.parts;
    if (place.partition >= partitions) return null;
    try {
      for await (const batch of log.read({ topic: topics.quarantine, partition: place.partition, from: place.offset, until: place.offset + 1 })) {
        const record = batch[0];
        const decoded = record?.offset === place.offset ? codec.decode(record.value) : null;
        return decoded?.ok === true && decoded.event.type === 'JobSubmitted' ? decoded.event : null;
      }
      return null;
    } catch (error) {
      if (error instanceof BlackboardError && error.code === 'LOG_OUT_OF_RANGE') return null;
      throw error;
    }
  }
}

function notAppended(error: unknown): unknown {
  if (!(error instanceof BlackboardError)) return error;
  if (error.code === 'APPEND_TOO_LARGE') return new DoorError({ status: 413, code: 'APPEND_TOO_LARGE' }, 'the submission is larger than the log takes; it is not in the log', 'Send less; larger things go by reference.');
  if (error.code === 'APPEND_UNKNOWN') return new DoorError({ status: 503, code: 'APPEND_UNKNOWN' }, 'whether the submission is in the log is not known', 'Send it again with the same idempotency key: that is safe, it makes one job at most.', { retryAfterS: 2 });
  return new DoorError({ status: 503, code: error.code }, 'the log did not take the submission; it is not in the log', 'Send it again with the same idempotency key after the seconds that Retry-After names.', { retryAfterS: 2 });
}
