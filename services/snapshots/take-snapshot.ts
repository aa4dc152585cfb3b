// One snapshot of one partition: folds the log from the newest usable snapshot, else from what the newest checkpoint
// says, else from the beginning, and stores the state. Nothing is kept in memory between two of them, so one process
// serves any number of partitions; and each one proves that the one before can be read.

import { createHash } from 'node:crypto';
import type { Fact } from '../../schemas/generated/events.js';
import type { TopicName } from '../../topics/topics.js';
import type { PartitionState } from '../blackboard/board.js';
import { restorePoint } from '../orchestrator/checkpoint.js';
import { emptyPartition, evolve, seedPolicy } from '../orchestrator/evolve.js';
import { foldVersion } from '../orchestrator/fold-version.js';
import { freeze } from '../orchestrator/freeze.js';
import { loadSnapshot, snapshotText } from '../orchestrator/load-snapshot.js';
import { newestCheckpoint } from '../orchestrator/newest-checkpoint.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import { BlackboardError } from '../runtime/errors.js';
import type { Keyring } from '../runtime/keyring.js';
import type { Logger } from '../runtime/logger.js';
import { EpochFilter, noEpoch } from '../runtime/log/epoch-filter.js';
import { peekLearning } from '../runtime/log/peek-learning.js';
import type { LogPort, LogRecord, PartitionRange } from '../runtime/log/port.js';
import { noSeams, through, type Seams } from '../runtime/seams.js';
import { snapshotPrincipal, type SnapshotHeader, type SnapshotStore } from '../runtime/snapshot-store.js';

export interface TakeSnapshotOptions {
  readonly log: Pick<LogPort, 'read'>;
  readonly codec: EventCodec;
  readonly keyring: Keyring;
  readonly store: SnapshotStore;
  /** `bb.verified`. */
  readonly topic: TopicName;
  readonly logger: Logger;
  /** Teaches the codec a schema id that it does not know. */
  readonly learn?: (schemaId: number) => Promise<void>;
  /** Between two pieces of work, so that others get their turn. */
  readonly breathe: () => Promise<void>;
  readonly seams?: Seams;
  /** Of all parts together; a state beyond it has no snapshot, and is read from the log. Default 1 GiB. */
  readonly bytesMax?: number;
}

interface Folding {
  readonly state: PartitionState;
  readonly filter: EpochFilter;
  next: number;
  last: LogRecord | null;
}

const bytesMaxDefault = 1024 ** 3;

/** Stores the state as of the end of `range`; null where the log does not hold enough, or the state is too large. */
export async function takeSnapshot(range: PartitionRange, options: TakeSnapshotOptions): Promise<SnapshotHeader | null> {
  const folding = await begin(range, options);
  if (folding === null) {
    options.logger.warn({ partition: range.partition, low: range.low }, 'no snapshot: what it would rest on is no longer in the log');
    return null;
  }
  await foldUpTo(folding, range, options);
  // Not a record has come since the snapshot that it began from.
  if (folding.last === null) return null;
  return store(folding.state, folding.last, options);
}

async function begin(range: PartitionRange, options: TakeSnapshotOptions): Promise<Folding | null> {
  const { store: snapshots, topic, logger } = options;
  const { partition } = range;
  const loaded = await loadSnapshot({ topic, partition, version: foldVersion(), after: Math.max(0, range.low), upTo: range.next }, { ...options, store: snapshots });
  if (loaded !== null && 'state' in loaded) {
    const { offset, epoch } = loaded.header.position;
    return { state: loaded.state, filter: new EpochFilter(epoch), next: offset, last: null };
  }
  if (loaded !== null) {
    logger.warn({ partition, offset: loaded.header.position.offset, flaw: loaded.flaw }, 'removes a snapshot that cannot be used');
    await snapshots.remove(loaded.header);
  }
  const state = emptyPartition(partition);
  const checkpoint = await newestCheckpoint({ ...options, range });
  if (checkpoint === null) return range.low > 0 ? null : { state, filter: new EpochFilter(noEpoch), next: 0, last: null };
  if (checkpoint.restoreFrom < range.low) return null;
  seedPolicy(state, checkpoint);
  return { state, filter: new EpochFilter(checkpoint.restoreEpoch), next: checkpoint.restoreFrom, last: null };
}

async function foldUpTo(folding: Folding, { partition, next: until }: PartitionRange, { log, codec, topic, learn, breathe }: TakeSnapshotOptions): Promise<void> {
  if (folding.next >= until) return;
  for await (const batch of log.read({ topic, partition, from: folding.next, until })) {
    for (const record of batch) {
      const peeked = codec.peek(record.value) ?? await peekLearning(record, codec, learn);
      if (record.offset !== folding.next) throw new BlackboardError('LOG_GAP', `${topic} partition ${partition}: offset ${record.offset} came where ${folding.next} was due`, { expected: folding.next, offset: record.offset });
      if (folding.filter.counts(record.offset, peeked.type, peeked.epoch)) evolve(folding.state, codec.decodeFact(record.value) as Fact, record.offset);
      folding.next += 1;
    }
    folding.last = batch[batch.length - 1] ?? folding.last;
    await breathe();
  }
}

async function store(state: PartitionState, last: LogRecord, options: TakeSnapshotOptions): Promise<SnapshotHeader | null> {
  const { keyring, codec, topic, logger } = options;
  const parts: Buffer[] = [];
  const digest = createHash('sha256');
  let bytes = 0;
  for (const part of freeze(state)) {
    parts.push(part);
    digest.update(part);
    bytes += part.length;
    if (bytes > (options.bytesMax ?? bytesMaxDefault)) {
      logger.warn({ partition: state.partition, openJobs: state.jobs.size, bytes }, 'no snapshot: the state is too large for one; owners read the log instead');
      return null;
    }
    await options.breathe();
  }
  const signer = keyring.signerOf(snapshotPrincipal);
  const unsigned = {
    topic, partition: state.partition, version: foldVersion(), position: { offset: last.offset + 1, epoch: state.epoch, digest: codec.digestHex(last.value) },
    cursor: state.cursor, restoreFrom: restorePoint(state).offset, openJobs: state.jobs.size, parts: parts.length, bytes, partsDigest: digest.digest('hex'), signer,
  };
  const header = { ...unsigned, signature: keyring.sign(signer, snapshotText(unsigned)) };
  await through(options.seams ?? noSeams, 'snapshots.add', () => options.store.add(header, parts));
  return header;
}
