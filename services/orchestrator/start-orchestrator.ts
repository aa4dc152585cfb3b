// One member of the orchestrator's group: an owner per assigned partition, and the positions that the next owner
// and lag monitors look at.

import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { groupName } from '../../topics/groups.js';
import type { TopicNames } from '../../topics/topics.js';
import type { PartitionState } from '../blackboard/board.js';
import { lastCommitMsMax, type LogPort, type LogRecord, type Member } from '../runtime/log/port.js';
import { through } from '../runtime/seams.js';
import type { SnapshotStore } from '../runtime/snapshot-store.js';
import { within } from '../runtime/within.js';
import { PartitionOwner } from './partition-owner.js';
import type { OwnerEffects } from './owner-effects.js';
import { snapshotSource, type SnapshotSourceOptions } from './snapshot-source.js';

export interface OrchestratorOptions extends Omit<OwnerEffects, 'onHalt' | 'log' | 'snapshots'> {
  readonly log: LogPort;
  /** Where snapshots of partitions are read (R10); absent: owners read the log alone. */
  readonly snapshots?: SnapshotStore;
  /** How they are read. */
  readonly snapshotReading?: Pick<SnapshotSourceOptions, 'answerMsMax' | 'worthRecords' | 'breathe'>;
  readonly topics: TopicNames;
  readonly group?: string;
  readonly sessionTimeoutMs?: number;
  /** How often positions are committed; hints only. Default 1,000. */
  readonly commitEveryMs?: number;
}

export interface Orchestrator {
  /** Open jobs, cursors and phases by partition: for health checks and metrics. `state` is the owner's own: only look. */
  partitions(): readonly { readonly partition: number; readonly phase: string; readonly openJobs: number; readonly cursor: number; readonly state: PartitionState | null }[];
  /** Resolves with the error that stopped the member for good; a partition that halts does not. */
  readonly halted: Promise<Error>;
  close(): Promise<void>;
}

export async function startOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const owners = new Map<number, PartitionOwner>();
  let halt: (error: Error) => void = () => undefined;
  const halted = new Promise<Error>((resolve) => { halt = resolve; });
  const { snapshots, ...own } = options;
  const source = snapshots === undefined ? {} : { snapshots: snapshotSource({ ...options, breathe: eventLoopTurn, ...options.snapshotReading, store: snapshots, topic: options.topics.verified }) };
  const effects: OwnerEffects = { ...own, ...source, onHalt: (partition, error) => {
    // R11: the process goes on with its other partitions. Ending it would hand this one to the next member, and so on.
    options.logger.fatal({ partition, error }, 'partition halted: its facts stand, nothing more is decided in it until this process is started again');
  } };
  const member = await through(options.seams, 'orchestrator.join', () => options.log.join({
    group: options.group ?? groupName({ name: 'orchestrator', role: 'orchestrator' }, options.topics.prefix),
    topics: [options.topics.quarantine, options.topics.verified],
    // An owner does nothing of a claim but append its decision.
    beforeDurable: [options.topics.quarantine],
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    onAssigned: ({ gained, lost }, self) => {
      for (const partition of lost) {
        owners.get(partition)?.leave();
        owners.delete(partition);
      }
      for (const partition of gained) {
        const owner = new PartitionOwner(partition, options.topics, self, effects);
        owners.set(partition, owner);
        owner.begin();
      }
    },
    onBatch: (records) => deliver(records, owners, options.topics),
    onHalt: (error) => {
      for (const owner of owners.values()) owner.leave();
      halt(error);
    },
  }));
  const everyMs = options.commitEveryMs ?? 1_000;
  let isLeaving = false;
  // One at a time: an older one that comes late must not put positions back.
  const commitLater = (): (() => void) => options.setTimer(everyMs, () => {
    void commit(member, owners, options).finally(() => { if (!isLeaving) cancelCommit = commitLater(); });
  });
  let cancelCommit = commitLater();
  return {
    halted,
    partitions: () => [...owners.values()].map((owner) => ({ partition: owner.partition, phase: owner.phase, openJobs: owner.state?.jobs.size ?? 0, cursor: owner.state?.cursor ?? -1, state: owner.state })),
    close: async () => {
      isLeaving = true;
      cancelCommit();
      await within(commit(member, owners, options), lastCommitMsMax, options.setTimer).catch(() => undefined);
      for (const owner of owners.values()) owner.leave();
      await member.leave();
    },
  };
}

function deliver(records: readonly LogRecord[], owners: ReadonlyMap<number, PartitionOwner>, topics: TopicNames): void {
  const first = records[0];
  const owner = first === undefined ? undefined : owners.get(first.partition);
  if (first === undefined || owner === undefined) return;
  if (first.topic === topics.verified) owner.onVerified(records);
  else owner.onQuarantine(records);
}

async function commit(member: Member, owners: ReadonlyMap<number, PartitionOwner>, { topics, logger, seams }: OrchestratorOptions): Promise<void> {
  const positions = [...owners].flatMap(([partition, owner]) => {
    const at = owner.commits();
    if (at === null) return [];
    return [
      { topic: topics.quarantine, partition, offset: at.cursor + 1, metadata: '' },
      { topic: topics.verified, partition, offset: at.checkpointOffset, metadata: String(at.checkpointOffset) },
    ];
  });
  if (positions.length === 0) return;
  try {
    await through(seams, 'orchestrator.commit-positions', () => member.commit(positions));
  } catch (error) {
    // A hint: the next owner reads a little more.
    logger.warn({ error }, 'positions were not committed; trying again');
  }
}
