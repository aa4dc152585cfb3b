// Where snapshots of partitions lie (R10): a cache of the log. Losing it, or any of it, costs time and nothing else;
// whoever reads one checks signature, digests and position before believing it.

import type { TopicName } from '../../topics/topics.js';
import type { Position } from './log/position.js';

/** Who signs snapshots: a reader of the log, never an owner. */
export const snapshotPrincipal = 'snapshots';

export interface SnapshotName {
  /** `bb.verified`. */
  readonly topic: TopicName;
  readonly partition: number;
  /** All records before its offset are folded; `epoch` is in force there. */
  readonly position: Position;
  /** Of the code and the schemas that made it; another version cannot read it. */
  readonly version: string;
}

export interface SnapshotHeader extends SnapshotName {
  /** Highest offset on quarantine that is decided. */
  readonly cursor: number;
  /** Oldest offset on verified of an open or remembered job. */
  readonly restoreFrom: number;
  readonly openJobs: number;
  readonly parts: number;
  /** Of all parts together. */
  readonly bytes: number;
  /** SHA-256 over all parts in order, 64 hex digits. */
  readonly partsDigest: string;
  readonly signer: string;
  /** Over all of the above. */
  readonly signature: Buffer;
}

export interface WantedSnapshot {
  readonly topic: TopicName;
  readonly partition: number;
  readonly version: string;
  /** Its position's offset is above this … */
  readonly after: number;
  /** … and at most this. */
  readonly upTo: number;
}

export interface SnapshotStore {
  /** The one with the highest position; null when there is none. */
  newest(wanted: WantedSnapshot): Promise<SnapshotHeader | null>;
  /** Headers of a partition's snapshots, whatever their version, by offset. */
  all(topic: TopicName, partition: number): Promise<readonly SnapshotHeader[]>;
  /** Parts `from` up to `until`, in order; fewer when some are gone. */
  parts(name: SnapshotName, from: number, until: number): Promise<readonly Buffer[]>;
  /** Whole or not at all; removes all but this one and the one before it. One that is there already stays. */
  add(header: SnapshotHeader, parts: readonly Buffer[]): Promise<void>;
  remove(name: SnapshotName): Promise<void>;
}
