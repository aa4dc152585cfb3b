// Finds a checkpoint without being told where: the last record names the epoch that it was written under, the epoch is
// its marker's offset, and the checkpoint stands behind the marker. Whichever it finds has counted.

import type { Checkpointed } from '../../schemas/generated/events.js';
import type { TopicName } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { LogPort, PartitionRange } from '../runtime/log/port.js';

export interface CheckpointSearch {
  readonly log: Pick<LogPort, 'read'>;
  readonly codec: EventCodec;
  /** `bb.verified`. */
  readonly topic: TopicName;
  readonly range: PartitionRange;
}

/** Null: none is left in the log. */
export async function newestCheckpoint(search: CheckpointSearch): Promise<Checkpointed | null> {
  const { range } = search;
  for (let end = range.next; end > range.low;) {
    const marker = await markerBefore(search, end);
    if (marker === null || marker < range.low) return null;
    const found = await checkpointBehind(search, marker, end);
    if (found !== null) return found;
    end = marker;
  }
  return null;
}

/** Of the epoch that the record right before `end` names. */
async function markerBefore({ log, codec, topic, range }: CheckpointSearch, end: number): Promise<number | null> {
  for await (const [record] of log.read({ topic, partition: range.partition, from: end - 1, until: end })) {
    const peeked = record === undefined ? null : codec.peek(record.value);
    if (peeked !== null) return peeked.type === 'EpochStarted' ? end - 1 : peeked.epoch;
  }
  return null;
}

async function checkpointBehind({ log, codec, topic, range }: CheckpointSearch, marker: number, end: number): Promise<Checkpointed | null> {
  for await (const batch of log.read({ topic, partition: range.partition, from: marker, until: end })) {
    for (const { offset, value } of batch) {
      const peeked = codec.peek(value);
      if (peeked?.type === 'EpochStarted' && offset > marker) return null;
      if (peeked?.type === 'Checkpointed' && peeked.epoch === marker) return codec.decodeFact(value) as Checkpointed;
    }
  }
  return null;
}
