// A log in memory with Kafka's semantics, for tests and simulation: several opens of one store are several processes
// on one log. Order and time come from the injected schedule and clock alone, so a run can be repeated exactly.

import { BlackboardError } from '../../errors.js';
import type { TopicName } from '../../../../topics/topics.js';
import { checkBatchSize } from '../batch-size.js';
import { ConsumerGroups } from '../in-process/consumer-groups.js';
import type { GroupMember } from '../in-process/group-member.js';
import { readRecords } from '../in-process/read-records.js';
import type { PositionStore, RecordStore, SliceOptions } from '../in-process/record-store.js';
import type { AppendBatch, Appended, CommittedPosition, LogPort, LogRecord, Member, Membership, PartitionRange, ReadOptions } from '../port.js';

/**
 * What happens to an append: it lands; is refused; lands, but the answer is lost; is lost with its answer; or is
 * answered as unknown and lands `lateMs` later, whatever has been appended meanwhile.
 */
export type AppendFault = 'ok' | 'refuse' | 'unreachable' | 'unknownWritten' | 'unknownLost' | { readonly lateMs: number };

export interface MemoryLogStoreOptions {
  readonly topics: readonly { readonly name: TopicName; readonly partitions: number }[];
  /** Runs an action after `delayMs`, never within the call. Default: `setImmediate`, `setTimeout`. */
  readonly schedule?: (action: () => void, delayMs: number) => void;
  /** How long a reader waits before it is given what has come; default: not at all. */
  readonly fetchMs?: () => number;
  /** Ms since 1970. */
  readonly clock?: () => number;
  readonly faults?: { onAppend(batch: AppendBatch): AppendFault };
}

export class MemoryLogStore implements RecordStore, PositionStore {
  readonly groups: ConsumerGroups;
  readonly schedule: (action: () => void, delayMs: number) => void;
  private readonly records = new Map<TopicName, readonly LogRecord[][]>();
  private readonly positions = new Map<string, CommittedPosition>();
  private readonly clock: () => number;

  constructor(private readonly options: MemoryLogStoreOptions) {
    this.schedule = options.schedule ?? scheduleOnEventLoop;
    this.clock = options.clock ?? Date.now;
    for (const { name, partitions } of options.topics) this.records.set(name, Array.from({ length: partitions }, () => []));
    this.groups = new ConsumerGroups({ store: this, positions: this, schedule: (action) => { this.schedule(action, 0); }, fetch: (action) => { this.schedule(action, options.fetchMs?.() ?? 0); } });
  }

  /** A log as one process has it open. */
  open(): MemoryLog {
    return new MemoryLog(this);
  }

  faultOf(batch: AppendBatch): AppendFault {
    return this.options.faults?.onAppend(batch) ?? 'ok';
  }

  /** Puts a batch at the end of its partition, bytes copied. */
  write({ topic, partition, records }: AppendBatch): Appended {
    const log = this.partition(topic, partition);
    const baseOffset = log.length;
    const appendTimeMs = this.clock();
    for (const { key, value } of records) {
      log.push({ topic, partition, offset: log.length, appendTimeMs, key: Buffer.from(key), value: Buffer.from(value) });
    }
    this.groups.appended(topic, partition);
    return { baseOffset, appendTimeMs };
  }

  partitionCount(topic: TopicName): number {
    const partitions = this.records.get(topic);
    if (partitions === undefined) throw new BlackboardError('NOT_FOUND', `this log has no topic ${topic}; name it when the log is made`, { topic });
    return partitions.length;
  }

  range(topic: TopicName, partition: number): PartitionRange {
    return { partition, low: 0, next: this.partition(topic, partition).length };
  }

  slice({ topic, partition, from, until, bytesMax }: SliceOptions): readonly LogRecord[] {
    const log = this.partition(topic, partition);
    let end = from;
    for (let bytes = 0; end < until; end += 1) {
      const { key, value } = log[end] as LogRecord;
      bytes += key.length + value.length;
      if (bytes > bytesMax && end > from) break;
    }
    return log.slice(from, end);
  }

  load(group: string, topic: TopicName, partition: number): CommittedPosition | undefined {
    return this.positions.get(positionKey(group, topic, partition));
  }

  save(group: string, positions: readonly CommittedPosition[]): Promise<void> {
    for (const position of positions) this.positions.set(positionKey(group, position.topic, position.partition), { ...position });
    return new Promise((resolve) => { this.schedule(resolve, 0); });
  }

  /** Drops all stored positions, as a broker that lost its offsets topic. */
  forgetPositions(): void {
    this.positions.clear();
  }

  private partition(topic: TopicName, partition: number): LogRecord[] {
    this.partitionCount(topic);
    const log = this.records.get(topic)?.[partition];
    if (log === undefined) throw new BlackboardError('NOT_FOUND', `the topic ${topic} has no partition ${String(partition)}`, { topic, partition });
    return log;
  }
}

interface Waiting {
  readonly batch: AppendBatch;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: BlackboardError) => void;
}

export class MemoryLog implements LogPort {
  private readonly members = new Set<GroupMember>();
  private readonly queues = new Map<string, Waiting[]>();
  private readonly underWay = new Set<Promise<unknown>>();
  private state: 'open' | 'closed' | 'crashed' = 'open';

  constructor(private readonly store: MemoryLogStore) {}

  append(batch: AppendBatch): Promise<Appended> {
    const answer = new Promise<Appended>((resolve, reject) => {
      this.checkOpen();
      checkBatchSize(batch);
      this.checkPartition(batch);
      const queueKey = `${batch.topic}/${String(batch.partition)}`;
      const queue = this.queues.get(queueKey) ?? [];
      this.queues.set(queueKey, queue);
      queue.push({ batch, resolve, reject });
      if (queue.length === 1) this.sendNext(queue);
    });
    this.underWay.add(answer);
    const done = (): void => { this.underWay.delete(answer); };
    answer.then(done, done);
    return answer;
  }

  join(membership: Membership): Promise<Member> {
    try {
      this.checkOpen();
    } catch (error) {
      return Promise.reject(error as BlackboardError);
    }
    return this.store.groups.join(membership, (member) => this.members.add(member));
  }

  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    this.checkOpen();
    return readRecords(this.store, options);
  }

  async ranges(topic: TopicName): Promise<readonly PartitionRange[]> {
    this.checkOpen();
    return Array.from({ length: this.store.partitionCount(topic) }, (_, partition) => this.store.range(topic, partition));
  }

  async close(): Promise<void> {
    if (this.state !== 'open') return;
    this.state = 'closed';
    await Promise.allSettled(this.underWay);
    for (const member of this.members) await member.leave();
  }

  /** The process dies: nothing is answered or delivered any more; what was being sent may still land. */
  crash(): void {
    this.state = 'crashed';
    for (const member of this.members) void member.leave();
  }

  /** The process stops past its session: its groups go on without it, while it may still append what it had in hand. */
  stall(): void {
    for (const member of this.members) member.evict();
  }

  /** The process goes on after `stall`: its members learn what they lost and join again. */
  async wake(): Promise<void> {
    for (const member of this.members) await this.store.groups.rejoin(member);
  }

  private sendNext(queue: Waiting[]): void {
    const [waiting] = queue;
    if (waiting === undefined) return;
    this.store.schedule(() => {
      const settle = this.outcome(waiting);
      this.store.schedule(() => {
        if (this.state === 'crashed') return;
        queue.shift();
        settle();
        this.sendNext(queue);
      }, 0);
    }, 0);
  }

  private outcome({ batch, resolve, reject }: Waiting): () => void {
    const fault = this.store.faultOf(batch);
    const where = `${batch.topic}/${String(batch.partition)}`;
    if (fault === 'ok') {
      const appended = this.store.write(batch);
      return () => { resolve(appended); };
    }
    if (fault === 'refuse') return () => { reject(new BlackboardError('APPEND_REFUSED', `the log refused a batch for ${where}; it is not in the log`)); };
    if (fault === 'unreachable') return () => { reject(new BlackboardError('APPEND_REFUSED', `a batch for ${where} was not sent; nothing of it is in the log`, { heals: true })); };
    if (fault === 'unknownWritten') this.store.write(batch);
    if (typeof fault === 'object') {
      const copy = { ...batch, records: batch.records.map(({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value) })) };
      this.store.schedule(() => { this.store.write(copy); }, fault.lateMs);
    }
    return () => { reject(new BlackboardError('APPEND_UNKNOWN', `no answer came to an append to ${where}; it may be in the log or not`)); };
  }

  private checkOpen(): void {
    if (this.state !== 'open') throw new BlackboardError('APPEND_REFUSED', 'this log is closed; nothing of the request was done');
  }

  private checkPartition({ topic, partition }: AppendBatch): void {
    try {
      this.store.range(topic, partition);
    } catch (error) {
      throw new BlackboardError('APPEND_REFUSED', `there is no ${topic}/${String(partition)} to append to`, { topic, partition }, { cause: error });
    }
  }
}

/** Names of topics hold no space. */
function positionKey(group: string, topic: TopicName, partition: number): string {
  return `${topic} ${partition} ${group}`;
}

function scheduleOnEventLoop(action: () => void, delayMs: number): void {
  if (delayMs > 0) setTimeout(action, delayMs);
  else setImmediate(action);
}
