// Keeps a snapshot of each partition that is not older than so many records (R10). A group parts the work between
// processes; nothing is delivered to its members, they read when it is time. Two processes with the same partition
// do double work and no harm. Whatever fails is tried again, after ever longer pauses: nobody waits for a snapshot.

import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { groupName } from '../../topics/groups.js';
import type { TopicNames } from '../../topics/topics.js';
import { foldVersion } from '../orchestrator/fold-version.js';
import type { LogPort, PartitionRange } from '../runtime/log/port.js';
import { snapshotPrincipal } from '../runtime/snapshot-store.js';
import { noSeams, through } from '../runtime/seams.js';
import { takeSnapshot, type TakeSnapshotOptions } from './take-snapshot.js';

export interface SnapshotsOptions extends Omit<TakeSnapshotOptions, 'log' | 'topic' | 'breathe'> {
  readonly log: LogPort;
  readonly topics: Pick<TopicNames, 'verified' | 'prefix'>;
  /** Records of a partition after which it gets a new one. Default 20,000. */
  readonly everyRecords?: number;
  /** A partition gets none before the last one is so old, nor before `restTimes` of what it took. Default 30,000. */
  readonly everyMs?: number;
  /** How often the log is asked for its ends. Default 5,000. */
  readonly pollMs?: number;
  readonly sessionTimeoutMs?: number;
  readonly breathe?: () => Promise<void>;
  setTimer(ms: number, fire: () => void): () => void;
  monotonicMs(): number;
}

export interface RunningSnapshots {
  /** Resolves with the error that stopped it for good. */
  readonly halted: Promise<Error>;
  close(): Promise<void>;
}

interface Taken {
  readonly offset: number;
  /** When the next may be taken, by the monotonic clock. */
  readonly notBeforeMs: number;
  /** Attempts since that have failed. */
  readonly failures: number;
}

const doublingsMax = 6;
/** A snapshot holds all that is remembered, and takes as long as that is large: it takes no larger share of a process, and of Postgres, for it. */
const restTimes = 10;

/** @throws Error without a signing key, and what joining the group throws. */
export async function startSnapshots(options: SnapshotsOptions): Promise<RunningSnapshots> {
  options.keyring.signerOf(snapshotPrincipal);
  let halt: (error: Error) => void = () => undefined;
  const halted = new Promise<Error>((resolve) => { halt = resolve; });
  const rounds = new Rounds(options);
  const member = await through(options.seams ?? noSeams, 'snapshots.join', () => options.log.join({
    // Beneath the projector's name: what it may read is the same.
    group: `${groupName({ name: 'projector', role: 'projector' }, options.topics.prefix)}.snapshots`,
    topics: [options.topics.verified],
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    onAssigned: ({ gained, lost }) => rounds.assign(gained, lost),
    onBatch: () => undefined,
    onHalt: (error) => {
      void rounds.stop();
      halt(error);
    },
  }));
  rounds.start();
  return { halted, close: async () => {
    await rounds.stop();
    await member.leave();
  } };
}

class Rounds {
  readonly #assigned = new Map<number, Taken | null>();
  #isOver = false;
  #cancel: () => void = () => undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(private readonly options: SnapshotsOptions) {}

  assign(gained: readonly number[], lost: readonly number[]): void {
    for (const partition of lost) this.#assigned.delete(partition);
    for (const partition of gained) this.#assigned.set(partition, null);
  }

  start(): void {
    if (this.#isOver) return;
    this.#cancel = this.options.setTimer(this.options.pollMs ?? 5_000, () => {
      this.#working = this.#round().catch((error: unknown) => {
        this.options.logger.warn({ error }, 'snapshots wait: log or Postgres does not answer');
      }).finally(() => this.start());
    });
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#cancel();
    await this.#working;
  }

  async #round(): Promise<void> {
    const { everyMs = 30_000, monotonicMs } = this.options;
    for (const range of await this.options.log.ranges(this.options.topics.verified)) {
      if (this.#isOver) return;
      if (!this.#assigned.has(range.partition) || !(await this.#isDue(range))) continue;
      const before = this.#assigned.get(range.partition);
      const startedMs = monotonicMs();
      try {
        await this.#take(range, startedMs);
        const endedMs = monotonicMs();
        this.#note(range.partition, { offset: range.next, notBeforeMs: endedMs + Math.max(everyMs, restTimes * (endedMs - startedMs)), failures: 0 });
      } catch (error) {
        // R11: what is wrong with one partition is no matter to the others.
        this.options.logger.warn({ partition: range.partition, error }, 'no snapshot of this partition; trying again later');
        const failures = (before?.failures ?? 0) + 1;
        this.#note(range.partition, { offset: before?.offset ?? 0, notBeforeMs: monotonicMs() + everyMs * 2 ** Math.min(failures, doublingsMax), failures });
      }
    }
  }

  async #isDue({ partition, next }: PartitionRange): Promise<boolean> {
    const { store, topics, everyRecords = 20_000, monotonicMs } = this.options;
    const taken = this.#assigned.get(partition) ?? this.#note(partition, { offset: (await store.newest({ topic: topics.verified, partition, version: foldVersion(), after: 0, upTo: next }))?.position.offset ?? 0, notBeforeMs: -Infinity, failures: 0 });
    return next - taken.offset >= everyRecords && monotonicMs() >= taken.notBeforeMs;
  }

  async #take(range: PartitionRange, startedMs: number): Promise<void> {
    const { options } = this;
    const header = await takeSnapshot(range, { ...options, topic: options.topics.verified, breathe: options.breathe ?? eventLoopTurn });
    if (header === null) return;
    options.logger.info({ partition: range.partition, offset: header.position.offset, openJobs: header.openJobs, bytes: header.bytes, elapsedMs: Math.round(options.monotonicMs() - startedMs) }, 'snapshot taken');
  }

  /** Unless the partition has gone meanwhile. */
  #note(partition: number, taken: Taken): Taken {
    if (this.#assigned.has(partition)) this.#assigned.set(partition, taken);
    return taken;
  }
}
