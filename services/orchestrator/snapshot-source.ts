// What an owner asks for a snapshot. It never throws and never takes long: a store that is away, slow or wrong means
// reading more of the log, and for a while nobody asks it again.

import type { Logger } from 'pino';
import type { TopicName } from '../../topics/topics.js';
import type { PartitionState } from '../blackboard/board.js';
import type { Position } from '../runtime/log/position.js';
import type { SnapshotStore } from '../runtime/snapshot-store.js';
import { within } from '../runtime/within.js';
import { foldVersion } from './fold-version.js';
import { loadSnapshot, type LoadOptions } from './load-snapshot.js';

export interface SnapshotSource {
  /** One of a position above `after` and at most `upTo`, checked; null: read the log. */
  find(partition: number, range: { readonly after: number; readonly upTo: number }): Promise<{ readonly state: PartitionState; readonly position: Position } | null>;
}

export interface SnapshotSourceOptions extends Omit<LoadOptions, 'store'> {
  readonly store: SnapshotStore;
  /** `bb.verified`. */
  readonly topic: TopicName;
  readonly logger: Logger;
  setTimer(ms: number, fire: () => void): () => void;
  monotonicMs(): number;
  /** Longest wait for one answer of the store, or of the registry. Default 5,000. */
  readonly answerMsMax?: number;
  /** Records below which reading the log is as quick as asking. Default 2,000. */
  readonly worthRecords?: number;
}

/** After a failure the store is left alone for so long. */
const restMs = 30_000;

export function snapshotSource(options: SnapshotSourceOptions): SnapshotSource {
  const { store, topic, logger, learn, answerMsMax = 5_000, worthRecords = 2_000 } = options;
  const inTime = <T>(answer: Promise<T>): Promise<T> => within(answer, answerMsMax, options.setTimer);
  const timed = { newest: (wanted) => inTime(store.newest(wanted)), parts: (...of) => inTime(store.parts(...of)) } satisfies LoadOptions['store'];
  const learning = learn === undefined ? {} : { learn: (id: number) => inTime(learn(id)) };
  let restUntilMs = -Infinity;
  return { find: async (partition, { after, upTo }) => {
    if (upTo - after < worthRecords || options.monotonicMs() < restUntilMs) return null;
    try {
      const found = await loadSnapshot({ topic, partition, version: foldVersion(), after, upTo }, { ...options, ...learning, store: timed });
      if (found === null) return null;
      const { position } = found.header;
      if ('state' in found) return { state: found.state, position };
      logger.warn({ partition, offset: position.offset, flaw: found.flaw }, 'a snapshot is not used: reading the log instead');
    } catch (error) {
      restUntilMs = options.monotonicMs() + restMs;
      logger.warn({ partition, error }, 'snapshots cannot be read: reading the log instead');
    }
    return null;
  } };
}
