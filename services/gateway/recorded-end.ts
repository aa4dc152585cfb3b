// The end of a job as its record says it, for results that the board no longer remembers: one record is read, at the
// place that a proof names. Whether that place is a stale epoch's cannot be told from one record: the role of ingress
// must vouch for it, which names places of committed rows only and could read any result of its tenants anyway.

import type { TopicName } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Learn } from '../runtime/codec/learn-schemas.js';
import { BlackboardError } from '../runtime/errors.js';
import { peekLearning } from '../runtime/log/peek-learning.js';
import type { LogPort } from '../runtime/log/port.js';

export interface RecordedEnd {
  readonly partition: number;
  readonly offset: number;
  readonly job: string;
  readonly instance: number;
  /** Of the result; never empty. */
  readonly hash: string;
}

export interface VerifiedLog {
  readonly log: LogPort;
  readonly codec: EventCodec;
  /** `bb.verified` */
  readonly topic: TopicName;
  readonly learn?: Learn | undefined;
}

/**
 * Null when no `JobEnded` with a result is there, or not any more.
 * @throws what the log throws when it does not answer; BlackboardError SCHEMA_UNKNOWN.
 */
export async function readRecordedEnd({ log, codec, topic, learn }: VerifiedLog, place: { readonly partition: number; readonly offset: number }): Promise<RecordedEnd | null> {
  const { partition, offset } = place;
  try {
    for await (const [record] of log.read({ topic, partition, from: offset, until: offset + 1 })) {
      if (record === undefined || record.offset !== offset || (await peekLearning(record, codec, learn)).type !== 'JobEnded') return null;
      const fact = codec.decodeFact(record.value);
      return fact.type === 'JobEnded' && fact.result.hash !== '' ? { partition, offset, job: fact.job, instance: fact.instance, hash: fact.result.hash } : null;
    }
    return null;
  } catch (error) {
    // Retention has removed it.
    if (error instanceof BlackboardError && error.code === 'LOG_OUT_OF_RANGE') return null;
    throw error;
  }
}
