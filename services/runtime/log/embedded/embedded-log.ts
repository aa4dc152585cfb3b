// The durable log of one process on local disk. An append is answered, and readers see it, only when it is flushed:
// kill -9 loses nothing that was acknowledged. After a write that fails the log takes no more appends.
// One kind of reader is not made to wait: a member that does nothing of a record but append because of it
// (`beforeDurable`). Offsets are given and all is committed in the order of the appends, so that what it appends is
// durable with the record or after it, never without: a step costs one flush instead of two, one after the other.
// Whatever leaves that pair (an answer to who appended, a fact, a row, another process's view) still waits for the flush.

import { BlackboardError } from '../../errors.js';
import type { TopicName } from '../../../../topics/topics.js';
import { batchBytes, checkBatchSize } from '../batch-size.js';
import { ConsumerGroups } from '../in-process/consumer-groups.js';
import type { GroupMember } from '../in-process/group-member.js';
import { RecentRecords } from '../in-process/recent-records.js';
import { readRecords } from '../in-process/read-records.js';
import type { PositionStore, RecordStore, SliceOptions } from '../in-process/record-store.js';
import type { AppendBatch, Appended, CommittedPosition, LogPort, LogRecord, Member, Membership, PartitionRange, ReadOptions } from '../port.js';
import { CommitQueue } from './commit-queue.js';
import type { Write } from './commit-queue.js';
import { lockDirectory } from './directory-lock.js';
import type { DirectoryLock } from './directory-lock.js';
import { RecordFile } from './record-file.js';
import type { StoredRecord, TopicToOpen } from './record-file.js';

/** Of each partition, for the readers that keep up. */
const recentBytes = 512 * 1024;

export interface EmbeddedLogOptions {
  /** Made where it is missing; on a local disk, never a network share. */
  readonly directory: string;
  /** Topics that are missing are made; others on disk stay as they are. */
  readonly topics: readonly TopicToOpen[];
  /** Ms since 1970. Default: `Date.now`. */
  readonly clock?: () => number;
}

interface End {
  /** Behind what readers may see. */
  durable: number;
  /** Behind what was taken. */
  taken: number;
}

/**
 * Opens an embedded log.
 * @throws BlackboardError LOG_LOCKED: another process has it open. TOPOLOGY_DRIFT: a partition count differs.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const lock = await lockDirectory(options.directory);
  try {
    return new EmbeddedLog(new RecordFile(options.directory, options.topics), lock, options);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

export class EmbeddedLog implements LogPort, RecordStore, PositionStore {
  private readonly ends = new Map<TopicName, readonly End[]>();
  private readonly commits: CommitQueue;
  private readonly groups: ConsumerGroups;
  private readonly recent = new RecentRecords(recentBytes);
  private readonly members = new Set<GroupMember>();
  private readonly clock: () => number;
  private closing: Promise<void> | undefined;
  /** Resolves when a commit has failed: nothing is written any more until the log is opened again. */
  readonly broken: Promise<BlackboardError>;

  constructor(private readonly file: RecordFile, private readonly lock: DirectoryLock, { topics, clock }: EmbeddedLogOptions) {
    this.clock = clock ?? Date.now;
    for (const { name, partitions } of topics) {
      this.ends.set(name, Array.from({ length: partitions }, (_, partition) => {
        const next = file.next(name, partition);
        return { durable: next, taken: next };
      }));
    }
    let onBroken: (error: BlackboardError) => void = () => undefined;
    this.broken = new Promise((resolve) => { onBroken = resolve; });
    this.commits = new CommitQueue(file, (writes) => { this.becomeVisible(writes); }, onBroken);
    this.groups = new ConsumerGroups({ store: this, positions: this, schedule: setImmediate });
  }

  append(batch: AppendBatch): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const end = this.checkAppend(batch);
      this.commits.checkWhole();
      const appended = { baseOffset: end.taken, appendTimeMs: this.clock() };
      const records = this.take(batch, appended);
      end.taken += records.length;
      // Before the commit is asked for, so that it comes first and what it leads to shares the commit.
      this.groups.taken(batch.topic, batch.partition);
      this.commits.add({ records, positions: [], bytes: batchBytes(batch.records) }).then(() => { resolve(appended); }, reject);
    });
  }

  async join(membership: Membership): Promise<Member> {
    this.checkOpen();
    return this.groups.join(membership, (member) => this.members.add(member));
  }

  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    this.checkOpen();
    return readRecords(this, options);
  }

  async ranges(topic: TopicName): Promise<readonly PartitionRange[]> {
    this.checkOpen();
    return Array.from({ length: this.partitionCount(topic) }, (_, partition) => this.range(topic, partition));
  }

  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  partitionCount(topic: TopicName): number {
    const ends = this.ends.get(topic);
    if (ends === undefined) throw new BlackboardError('NOT_FOUND', `this log has no topic ${topic}; name it when the log is opened`, { topic });
    return ends.length;
  }

  range(topic: TopicName, partition: number): PartitionRange {
    return { partition, low: 0, next: this.end(topic, partition).durable };
  }

  /** What a failed commit has left is seen by nobody any more. */
  takenEnd(topic: TopicName, partition: number): number {
    const { durable, taken } = this.end(topic, partition);
    return this.commits.isBroken ? durable : taken;
  }

  slice(options: SliceOptions): readonly LogRecord[] {
    this.checkOpen();
    const { topic, partition, until } = options;
    return this.recent.slice(options) ?? this.file.slice({ ...options, until: Math.min(until, this.end(topic, partition).durable) });
  }

  load(group: string, topic: TopicName, partition: number): CommittedPosition | undefined {
    this.range(topic, partition);
    return this.file.loadPosition(group, topic, partition);
  }

  save(group: string, positions: readonly CommittedPosition[]): Promise<void> {
    this.checkOpen();
    // Behind the appends before it: a position never outlives the records that it stands behind.
    const stored = positions.map((position) => this.file.storedPosition(group, position));
    return this.commits.add({ records: [], positions: stored, bytes: stored.reduce((sum, { key, position }) => sum + key.length + position.metadata.length, 0) });
  }

  private end(topic: TopicName, partition: number): End {
    this.partitionCount(topic);
    const end = this.ends.get(topic)?.[partition];
    if (end === undefined) throw new BlackboardError('NOT_FOUND', `the topic ${topic} has no partition ${String(partition)}`, { topic, partition });
    return end;
  }

  private take({ topic, partition, records }: AppendBatch, { baseOffset, appendTimeMs }: Appended): readonly StoredRecord[] {
    return records.map((record, index) => {
      const stored = this.file.storedRecord({ topic, partition, offset: baseOffset + index, appendTimeMs }, record);
      this.recent.add(stored.record);
      return stored;
    });
  }

  private becomeVisible(writes: readonly Write[]): void {
    const grown = new Map<End, LogRecord>();
    for (const { records } of writes) {
      const last = records.at(-1)?.record;
      if (last !== undefined) grown.set(this.end(last.topic, last.partition), last);
    }
    for (const [end, { topic, partition, offset }] of grown) {
      end.durable = offset + 1;
      this.recent.stored(topic, partition, end.durable);
      this.groups.appended(topic, partition);
    }
  }

  private async closeOnce(): Promise<void> {
    // Before anything is awaited: nobody may read from a file that is being closed.
    for (const member of this.members) void member.leave();
    await this.commits.settled();
    await this.file.close();
    await this.lock.release();
  }

  private checkOpen(): void {
    if (this.closing !== undefined) throw new BlackboardError('APPEND_REFUSED', 'this log is closed; nothing of the request was done');
  }

  private checkAppend(batch: AppendBatch): End {
    this.checkOpen();
    checkBatchSize(batch);
    const { topic, partition } = batch;
    const end = this.ends.get(topic)?.[partition];
    if (end === undefined) {
      throw new BlackboardError('APPEND_REFUSED', `there is no ${topic}/${String(partition)} to append to`, { topic, partition });
    }
    return end;
  }
}
