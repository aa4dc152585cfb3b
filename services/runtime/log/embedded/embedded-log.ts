// The durable log of one process on local disk. An append is answered, and readers see it, only when it is flushed:
// kill -9 loses nothing that was acknowledged. What arrives while a commit is under way is the next commit; no timers.
// After a write that fails the log takes no more appends: what is on disk is known again only by opening it again.

import { BlackboardError } from '../../errors.js';
import type { TopicName } from '../../../../topics/topics.js';
import { batchBytes, checkBatchSize } from '../batch-size.js';
import { ConsumerGroups } from '../in-process/consumer-groups.js';
import type { GroupMember } from '../in-process/group-member.js';
import { RecentRecords } from '../in-process/recent-records.js';
import { readRecords } from '../in-process/read-records.js';
import type { PositionStore, RecordStore, SliceOptions } from '../in-process/record-store.js';
import type { AppendBatch, Appended, CommittedPosition, LogPort, LogRecord, Member, Membership, PartitionRange, ReadOptions } from '../port.js';
import { lockDirectory } from './directory-lock.js';
import type { DirectoryLock } from './directory-lock.js';
import { RecordFile } from './record-file.js';
import type { Placed, TopicToOpen } from './record-file.js';

const commitBytesMax = 16 * 1024 * 1024;
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

interface Waiting {
  readonly batch: AppendBatch;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: BlackboardError) => void;
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
  private readonly ends = new Map<TopicName, number[]>();
  private readonly groups: ConsumerGroups;
  private readonly recent = new RecentRecords(recentBytes);
  private readonly members = new Set<GroupMember>();
  private readonly clock: () => number;
  private readonly saving = new Set<Promise<void>>();
  private waiting: Waiting[] = [];
  private committing: Promise<void> | undefined;
  private failed: unknown;
  private closing: Promise<void> | undefined;

  constructor(private readonly file: RecordFile, private readonly lock: DirectoryLock, { topics, clock }: EmbeddedLogOptions) {
    this.clock = clock ?? Date.now;
    for (const { name, partitions } of topics) this.ends.set(name, Array.from({ length: partitions }, (_, partition) => file.next(name, partition)));
    this.groups = new ConsumerGroups({ store: this, positions: this, schedule: setImmediate });
  }

  append(batch: AppendBatch): Promise<Appended> {
    return new Promise((resolve, reject) => {
      this.checkAppend(batch);
      this.waiting.push({ batch, resolve, reject });
      this.committing ??= this.commitAll();
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
    this.partitionCount(topic);
    const next = this.ends.get(topic)?.[partition];
    if (next === undefined) throw new BlackboardError('NOT_FOUND', `the topic ${topic} has no partition ${String(partition)}`, { topic, partition });
    return { partition, low: 0, next };
  }

  slice(options: SliceOptions): readonly LogRecord[] {
    this.checkOpen();
    return this.recent.slice(options) ?? this.file.slice(options);
  }

  load(group: string, topic: TopicName, partition: number): CommittedPosition | undefined {
    this.range(topic, partition);
    return this.file.loadPosition(group, topic, partition);
  }

  save(group: string, positions: readonly CommittedPosition[]): Promise<void> {
    this.checkOpen();
    const saved = this.file.savePositions(group, positions);
    this.saving.add(saved);
    const done = (): void => { this.saving.delete(saved); };
    saved.then(done, done);
    return saved;
  }

  private async commitAll(): Promise<void> {
    // Begins in a later microtask, so that the appends of one turn share the first commit.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const group = this.takeGroup();
      if (this.failed === undefined) await this.commit(group);
      else for (const { reject } of group) reject(this.brokenError('APPEND_REFUSED'));
    }
    this.committing = undefined;
  }

  private takeGroup(): readonly Waiting[] {
    let count = 0;
    for (let bytes = 0; count < this.waiting.length && bytes < commitBytesMax; count += 1) bytes += batchBytes((this.waiting[count] as Waiting).batch.records);
    return this.waiting.splice(0, count);
  }

  private async commit(group: readonly Waiting[]): Promise<void> {
    const appendTimeMs = this.clock();
    const ends = new Map<string, { topic: TopicName; partition: number; next: number }>();
    const placed = group.map(({ batch: { topic, partition, records } }): Placed => {
      const key = `${topic}/${String(partition)}`;
      const baseOffset = ends.get(key)?.next ?? this.range(topic, partition).next;
      ends.set(key, { topic, partition, next: baseOffset + records.length });
      return { topic, partition, baseOffset, appendTimeMs, records };
    });
    let stored: readonly LogRecord[];
    try {
      stored = await this.file.store(placed);
    } catch (error) {
      this.failed = error;
      for (const { reject } of group) reject(this.brokenError('APPEND_UNKNOWN'));
      return;
    }
    for (const record of stored) this.recent.add(record);
    for (const { topic, partition, next } of ends.values()) (this.ends.get(topic) as number[])[partition] = next;
    for (const [index, { resolve }] of group.entries()) resolve({ baseOffset: (placed[index] as Placed).baseOffset, appendTimeMs });
    for (const { topic, partition } of ends.values()) this.groups.appended(topic, partition);
  }

  private brokenError(code: 'APPEND_REFUSED' | 'APPEND_UNKNOWN'): BlackboardError {
    const outcome = code === 'APPEND_REFUSED' ? 'this append is not in the log' : 'this append may be in the log or not';
    const reason = this.failed instanceof Error ? this.failed.message : String(this.failed);
    return new BlackboardError(code, `a write to the log failed (${reason}); ${outcome}: mend the disk, then open the log again`, {}, { cause: this.failed });
  }

  private async closeOnce(): Promise<void> {
    // Before anything is awaited: nobody may read from a file that is being closed.
    for (const member of this.members) void member.leave();
    await this.committing;
    await Promise.allSettled(this.saving);
    await this.file.close();
    await this.lock.release();
  }

  private checkOpen(): void {
    if (this.closing !== undefined) throw new BlackboardError('APPEND_REFUSED', 'this log is closed; nothing of the request was done');
  }

  private checkAppend(batch: AppendBatch): void {
    this.checkOpen();
    checkBatchSize(batch);
    const { topic, partition } = batch;
    if (this.ends.get(topic)?.[partition] === undefined) {
      throw new BlackboardError('APPEND_REFUSED', `there is no ${topic}/${String(partition)} to append to`, { topic, partition });
    }
  }
}
