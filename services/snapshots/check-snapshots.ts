// Stored snapshots against the log (I6, R10): each must be the state that the log folds to at its position. What its
// row says besides is counted from the facts alone, without the fold.

import type { Fact } from '../../schemas/generated/events.js';
import type { TopicName } from '../../topics/topics.js';
import { emptyPartition, evolve } from '../orchestrator/evolve.js';
import { foldVersion } from '../orchestrator/fold-version.js';
import { loadHeader } from '../orchestrator/load-snapshot.js';
import { stateHash } from '../orchestrator/state-hash.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Keyring } from '../runtime/keyring.js';
import { EpochFilter } from '../runtime/log/epoch-filter.js';
import type { LogPort } from '../runtime/log/port.js';
import type { SnapshotHeader, SnapshotStore } from '../runtime/snapshot-store.js';

export interface CheckSnapshotsOptions {
  readonly log: Pick<LogPort, 'read' | 'ranges'>;
  readonly codec: EventCodec;
  /** `bb.verified`. */
  readonly topic: TopicName;
  readonly store: Pick<SnapshotStore, 'all' | 'newest' | 'parts'>;
  /** Null: signatures are not looked at. */
  readonly keyring: Keyring | null;
}

export interface CheckedSnapshots {
  /** Read and compared. */
  readonly compared: number;
  /** Of another version than this one's: nobody here can read them. */
  readonly ofOthers: number;
  readonly differences: readonly { readonly what: string; readonly record: { readonly topic: TopicName; readonly partition: number; readonly offset: number } }[];
}

export async function checkSnapshots(options: CheckSnapshotsOptions): Promise<CheckedSnapshots> {
  const sum = { compared: 0, ofOthers: 0, differences: [] as CheckedSnapshots['differences'][number][] };
  for (const { partition } of await options.log.ranges(options.topic)) {
    // Before the log's end is asked for: both may be growing.
    const headers = await options.store.all(options.topic, partition);
    const next = (await options.log.ranges(options.topic)).find((range) => range.partition === partition)?.next ?? 0;
    const own = headers.filter(({ version }) => version === foldVersion());
    const differs = ({ position }: SnapshotHeader, what: string): void => {
      sum.differences.push({ what: `a snapshot of partition ${partition} at offset ${position.offset} ${what}`, record: { topic: options.topic, partition, offset: position.offset - 1 } });
    };
    // One that no record stands right before would be waited for in vain, and those behind it with it.
    const isInLog = ({ position }: SnapshotHeader): boolean => position.offset > 0 && position.offset <= next;
    for (const header of own) if (!isInLog(header)) differs(header, 'is beyond the end of the log, or before its first record');
    sum.ofOthers += headers.length - own.length;
    sum.compared += await comparePartition(own.filter(isInLog), options, differs);
  }
  return sum;
}

/** Answers how many were compared; headers come by offset. */
async function comparePartition(headers: readonly SnapshotHeader[], options: CheckSnapshotsOptions, differs: (header: SnapshotHeader, what: string) => void): Promise<number> {
  const [first] = headers;
  const last = headers[headers.length - 1];
  if (first === undefined || last === undefined) return 0;
  const { log, codec, topic } = options;
  const { partition } = first;
  const state = emptyPartition(partition);
  const filter = new EpochFilter();
  const open = new Set<string>();
  const counted = { cursor: -1, epoch: -1 };
  let index = 0;
  let compared = 0;
  for await (const batch of log.read({ topic, partition, from: 0, until: last.position.offset })) {
    for (const { offset, value } of batch) {
      const fact = codec.decodeFact(value) as Fact;
      if (filter.counts(offset, fact.type, fact.epoch)) {
        evolve(state, fact, offset);
        counted.cursor = Math.max(counted.cursor, fact.cause, fact.type === 'Checkpointed' ? fact.cursor : -1);
        if (fact.type === 'EpochStarted') counted.epoch = offset;
        if (fact.type === 'JobAccepted') open.add(`${fact.job}/${fact.instance}`);
        if (fact.type === 'JobEnded') open.delete(`${fact.job}/${fact.instance}`);
      }
      const header = headers[index];
      if (header === undefined || header.position.offset !== offset + 1) continue;
      index += 1;
      const loaded = await loadHeader(header, { ...options, keyring: options.keyring ?? { verify: () => true } });
      if ('flaw' in loaded && !(await isStored(header, options.store))) continue;
      compared += 1;
      if (header.cursor !== counted.cursor || header.position.epoch !== counted.epoch || header.openJobs !== open.size) differs(header, `says cursor ${header.cursor}, epoch ${header.position.epoch} and ${header.openJobs} open jobs, the facts say ${counted.cursor}, ${counted.epoch} and ${open.size}`);
      if ('flaw' in loaded) differs(header, `cannot be used (${loaded.flaw})`);
      else if (stateHash(loaded.state) !== stateHash(state)) differs(header, 'is another state than the log folds to');
    }
  }
  return compared;
}

/** Whoever takes snapshots removes the older ones, while the log is read here too. */
async function isStored({ topic, partition, position, version }: SnapshotHeader, store: CheckSnapshotsOptions['store']): Promise<boolean> {
  return (await store.all(topic, partition)).some((held) => held.version === version && held.position.offset === position.offset);
}
