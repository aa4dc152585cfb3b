// A group member on a topic of other people's. Nothing is delivered before the stored position was read and found in
// the topic's range; gaps inside the range (compaction, transactions) are passed over, a position outside of it halts
// instead of kafkajs's silent reset, and is stored again so that the next start sees the same. Aborted transactions
// are not delivered. A position is stored only behind what the handler has called safe, and only for a partition of
// the present assignment.

import type { Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs';
import type { TopicName } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import type { ForeignConsumption, ForeignSource } from '../foreign-source.js';
import type { PartitionRange } from '../port.js';
import { ClusterLink } from './cluster-link.js';
import { GroupJoin } from './group-join.js';
import { GroupOffsets, groupRefused } from './group-offsets.js';
import { openClient, type KafkaClient, type KafkaConnection } from './kafka-client.js';
import { isRetriable, protocolType } from './kafka-error.js';
import { KafkaReader, outOfRange } from './reader.js';

const stallMs = 30_000;
const rebalancing = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

/** Foreign topics of one cluster. */
export function kafkaForeignSource(connection: KafkaConnection): ForeignSource {
  return {
    consume: async (consumption) => {
      const consumer = new ForeignConsumer(connection, consumption);
      await consumer.run();
      return consumer;
    },
  };
}

interface Position {
  /** Next offset to deliver; nothing below is delivered again in this assignment. */
  wanted: number;
  deliveredAtMs: number;
  /** The topic's end when nothing had come for a while. */
  quietEnd: number;
}

class ForeignConsumer {
  readonly #client: KafkaClient;
  readonly #consumer: Consumer;
  readonly #link: ClusterLink;
  readonly #reader: KafkaReader;
  readonly #join: GroupJoin;
  readonly #offsets: GroupOffsets;
  /** Of the present assignment; a partition without one is paused. */
  #positions = new Map<number, Position>();
  #assigned: readonly number[] = [];
  #generation = 0;
  #stopped = false;
  #closing: Promise<void> | undefined;
  readonly #stallTimer: NodeJS.Timeout;
  /** As elsewhere in this adapter; the brand says only who made a name. */
  readonly #topic: TopicName;

  constructor(connection: KafkaConnection, private readonly consumption: ForeignConsumption) {
    const { group, sessionTimeoutMs } = consumption;
    this.#topic = consumption.topic as TopicName;
    this.#client = openClient(connection, 8);
    this.#link = new ClusterLink(connection);
    this.#reader = new KafkaReader(this.#link);
    this.#consumer = this.#client.kafka.consumer({
      groupId: group, sessionTimeout: sessionTimeoutMs, rebalanceTimeout: Math.max(sessionTimeoutMs, 30_000),
      heartbeatInterval: this.#heartbeatMs(), maxBytesPerPartition: 512 * 1024, minBytes: 1, maxWaitTimeInMs: 50,
      readUncommitted: false, allowAutoTopicCreation: false,
      retry: { retries: 8, initialRetryTime: 50, maxRetryTime: 2_000, restartOnFailure: async () => !this.#stopped },
    });
    this.#join = new GroupJoin({
      group, topics: [this.#topic], consumer: this.#consumer, link: this.#link, isStopped: () => this.#stopped, onRefused: (error) => this.#halt(error),
      run: () => this.#consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: 8, eachBatch: (payload) => this.#onBatch(payload) }),
    });
    this.#offsets = new GroupOffsets({ group, consumer: this.#consumer, link: this.#link, holds: (_topic, partition) => this.#assigned.includes(partition) });
    this.#stallTimer = setInterval(() => void this.#watchForStalls(), stallMs);
    this.#stallTimer.unref();
  }

  async run(): Promise<void> {
    const { GROUP_JOIN, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, (event) => this.#onJoin(event));
    this.#consumer.on(CRASH, ({ payload }: ConsumerCrashEvent) => this.#join.onCrash(payload));
    try {
      // A topic that is not there is told now, not by silence.
      await this.#reader.ranges(this.#topic).catch((error: unknown) => {
        throw new BlackboardError('KAFKA_UNAVAILABLE', `the topic ${this.#topic} cannot be read; check its name, and this principal's access to it: ${(error as Error).message}`, { topic: this.#topic }, { cause: error });
      });
      await this.#join.begin();
    } catch (error) {
      await this.close();
      throw groupRefused(this.consumption.group, error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#stallTimer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, 20_000); });
    // It waits for batches under way, so that what was appended is stored as done.
    await Promise.race([this.#consumer.disconnect().catch(() => undefined), late]);
    clearTimeout(timer);
    this.#client.destroySockets();
    this.#link.close();
  }

  #halt(error: Error): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.consumption.onHalt(error);
  }

  #heartbeatMs(): number {
    return Math.max(100, Math.min(1_000, Math.floor(this.consumption.sessionTimeoutMs / 10)));
  }

  /** Runs before the first fetch of a generation. */
  #onJoin({ payload }: ConsumerGroupJoinEvent): void {
    this.#join.onJoined();
    this.#generation += 1;
    this.#assigned = payload.memberAssignment[this.#topic] ?? [];
    this.#positions = new Map();
    if (this.#stopped || this.#assigned.length === 0) return;
    this.#consumer.pause([{ topic: this.#topic, partitions: [...this.#assigned] }]);
    void this.#takeUp(this.#generation, this.#assigned);
  }

  /** Reads the stored positions, holds them against the topic, and only then lets records come. */
  async #takeUp(generation: number, partitions: readonly number[]): Promise<void> {
    const { group, from } = this.consumption;
    try {
      const [committed, ranges] = await Promise.all([this.#offsets.committed(this.#topic, partitions), this.#reader.ranges(this.#topic, partitions)]);
      const fresh: number[] = [];
      for (const range of ranges) {
        const { partition, low, next } = range;
        const stored = committed.get(partition)?.offset;
        if (stored === undefined) fresh.push(partition);
        const wanted = stored ?? (from === 'earliest' ? low : next);
        if (wanted < low || wanted > next) throw outOfRange(this.#topic, partition, wanted, range);
        if (generation !== this.#generation) return;
        this.#positions.set(partition, { wanted, deliveredAtMs: Date.now(), quietEnd: -1 });
      }
      // Else what comes before the first position is stored would be behind "latest" at the next start.
      if (fresh.length > 0) await this.#offsets.commit(fresh.map((partition) => this.#committable(partition, this.#positions.get(partition)?.wanted ?? 0)));
      if (generation !== this.#generation || this.#stopped) return;
      for (const [partition, { wanted }] of this.#positions) this.#consumer.seek({ topic: this.#topic, partition, offset: String(wanted) });
      this.#consumer.resume([{ topic: this.#topic, partitions: [...partitions] }]);
    } catch (error) {
      if (generation === this.#generation) this.#halt(groupRefused(group, error));
    }
  }

  async #onBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, isStale, resolveOffset } = payload;
    const { partition, messages } = batch;
    const position = this.#positions.get(partition);
    const generation = this.#generation;
    if (this.#stopped || position === undefined || isStale() || messages.length === 0) return;
    const beat = setInterval(() => { payload.heartbeat().catch(() => undefined); }, this.#heartbeatMs());
    try {
      const first = Number(messages[0]?.offset);
      if (first !== position.wanted && !(await this.#mayPass(partition, position.wanted, first))) return;
      await this.consumption.onBatch(messages.map(({ offset, value }) => ({ partition, offset: Number(offset), value })));
      const next = Number(batch.lastOffset()) + 1;
      if (this.#stopped && this.#closing === undefined) return;
      if (generation !== this.#generation) return;
      position.wanted = next;
      position.deliveredAtMs = Date.now();
      position.quietEnd = -1;
      resolveOffset(String(next - 1));
      await this.#store(payload, partition, next);
    } catch (error) {
      this.#halt(error as Error);
    } finally {
      clearInterval(beat);
    }
  }

  /** Whether records may begin elsewhere than wanted; seeks again or halts where not. */
  async #mayPass(partition: number, wanted: number, first: number): Promise<boolean> {
    const [range] = await this.#reader.ranges(this.#topic, [partition]);
    const { low, next } = range as PartitionRange;
    if (wanted < low || wanted > next) {
      // kafkajs has put the stored position back; the next start must find this one.
      await this.#offsets.commit([this.#committable(partition, wanted)]).catch(() => undefined);
      throw outOfRange(this.#topic, partition, wanted, range as PartitionRange);
    }
    if (first > wanted) return true;
    this.#consumer.seek({ topic: this.#topic, partition, offset: String(wanted) });
    return false;
  }

  async #store({ commitOffsetsIfNecessary }: EachBatchPayload, partition: number, next: number): Promise<void> {
    const store = (): Promise<void> => commitOffsetsIfNecessary({ topics: [{ topic: this.#topic, partitions: [{ partition, offset: String(next) }] }] });
    try {
      await (this.consumption.stored === undefined ? store() : this.consumption.stored(store));
    } catch (error) {
      // A later batch stores more; whoever reads these again is refused by the gate as a duplicate.
      if (!isRetriable(error) && !rebalancing.has(protocolType(error) ?? '')) throw groupRefused(this.consumption.group, error);
    }
  }

  #committable(partition: number, offset: number): { topic: TopicName; partition: number; offset: number; metadata: string } {
    return { topic: this.#topic, partition, offset, metadata: '' };
  }

  async #watchForStalls(): Promise<void> {
    const quiet = [...this.#positions].filter(([, { deliveredAtMs }]) => deliveredAtMs < Date.now() - stallMs);
    if (this.#stopped || quiet.length === 0) return;
    const ranges = await this.#reader.ranges(this.#topic, quiet.map(([partition]) => partition)).catch(() => []);
    for (const { partition, next } of ranges) {
      const position = this.#positions.get(partition);
      if (position === undefined || next <= position.wanted) continue;
      // Only where the topic grows: the last offset of one with transactions is a marker, which is never delivered.
      if (position.quietEnd >= 0 && next > position.quietEnd) this.consumption.onStall({ partition, offset: position.wanted, next });
      position.quietEnd = next;
    }
  }
}
