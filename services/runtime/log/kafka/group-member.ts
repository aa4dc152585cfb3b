// A member of a consumer group on kafkajs. It delivers nothing of a partition before `start`, then every offset once
// and in order; where kafkajs would go back, skip or reset, it seeks again or halts. Callbacks run inside kafkajs's
// fetch loop and only enqueue. Commits name only partitions of the latest assignment: a broker takes others as well.

import type { Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import type { CommittedPosition, LogRecord, Member, Membership } from '../port.js';
import type { ClusterLink } from './cluster-link.js';
import { watchClock } from './clock-watch.js';
import { coPartitionAssigner, coPartitioned } from './co-partition-assigner.js';
import { openClient, type KafkaClient, type KafkaConnection } from './kafka-client.js';
import { isRetriable } from './kafka-error.js';
import { findCoordinator, GroupOffsets, groupRefused } from './group-offsets.js';
import { HeartbeatWaiters } from './heartbeat-waiters.js';
import { toRecord } from './kafka-record.js';
import { MemberPositions, type MemberPosition } from './member-positions.js';
import { gap, outOfRange, type KafkaReader } from './reader.js';

export interface GroupMemberOptions {
  readonly connection: KafkaConnection;
  readonly link: ClusterLink;
  readonly reader: KafkaReader;
  onLeft(): void;
}

const defaultSessionTimeoutMs = 30_000;
const leaveTimeoutMs = 5_000;
const rejoinPauseMsMax = 5_000;
/** Batches that were under way before a seek have arrived by then. */
const strayPauseMs = 100;

export class GroupMember implements Member {
  readonly #positions: MemberPositions;
  readonly #client: KafkaClient;
  readonly #consumer: Consumer;
  readonly #offsets: GroupOffsets;
  readonly #heartbeats: HeartbeatWaiters;
  readonly #sessionTimeoutMs: number;
  #generation = 0;
  #crashes = 0;
  #memberId: string | undefined;
  #stopped: Error | undefined;
  #leaving: Promise<void> | undefined;
  #rangeChecks = new Map<TopicName, Set<MemberPosition>>();
  #stopWatching: () => void = () => undefined;
  #joined!: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(private readonly membership: Membership, private readonly options: GroupMemberOptions) {
    const sessionTimeoutMs = membership.sessionTimeoutMs ?? defaultSessionTimeoutMs;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#positions = new MemberPositions(membership.topics);
    this.#client = openClient(options.connection, 8);
    this.#consumer = this.#client.kafka.consumer({
      groupId: membership.group,
      partitionAssigners: [({ cluster }) => coPartitionAssigner(cluster, () => this.#positions.held())],
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.max(sessionTimeoutMs, 5_000),
      heartbeatInterval: Math.max(100, Math.min(1_000, Math.floor(sessionTimeoutMs / 10))),
      maxBytesPerPartition: membership.bytesPerPartitionMax ?? 1024 * 1024,
      minBytes: 1,
      // Also how long a resumed partition waits for its first fetch.
      maxWaitTimeInMs: 50,
      readUncommitted: true,
      allowAutoTopicCreation: false,
      retry: { retries: 8, initialRetryTime: 50, maxRetryTime: 2_000, restartOnFailure: async () => this.#stopped === undefined },
    });
    this.#heartbeats = new HeartbeatWaiters(this.#consumer);
    this.#offsets = new GroupOffsets({
      group: membership.group, consumer: this.#consumer, link: options.link,
      holds: (topic, partition) => this.#positions.get(topic, partition) !== undefined,
    });
  }

  /** Joins; resolves after the first assignment. @throws BlackboardError KAFKA_UNAVAILABLE when the group refuses. */
  async run(): Promise<void> {
    const { GROUP_JOIN, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, (event) => this.#onJoin(event));
    this.#consumer.on(CRASH, (event) => this.#onCrash(event));
    const joined = new Promise<void>((resolve, reject) => { this.#joined = { resolve, reject }; });
    joined.catch(() => undefined);
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [...this.membership.topics], fromBeginning: true });
      await this.#consume();
      await joined;
      this.#stopWatching = watchClock({ stepMsMin: this.#sessionTimeoutMs / 2, onSetBack: (byMs) => this.#clockSetBack(byMs) });
    } catch (error) {
      await this.leave();
      throw groupRefused(this.membership.group, error);
    } finally {
      this.#joined = undefined;
    }
  }

  start(topic: TopicName, partition: number, offset: number): void {
    const position = this.#positions.get(topic, partition);
    // Lost in the meantime: the next assignment says so.
    if (position === undefined || this.#stopped !== undefined) return;
    position.state = 'checking';
    position.wanted = offset;
    position.paused = false;
    position.strays = 0;
    position.starts += 1;
    this.#tell(() => this.#consumer.pause([{ topic, partitions: [partition] }]));
    const waiting = this.#rangeChecks.get(topic);
    if (waiting !== undefined) { waiting.add(position); return; }
    this.#rangeChecks.set(topic, new Set([position]));
    // One look-up for all partitions that are started in this turn.
    queueMicrotask(() => void this.#checkRanges(topic));
  }

  pause(topic: TopicName, partition: number): void {
    const position = this.#positions.get(topic, partition);
    if (position === undefined || this.#stopped !== undefined) return;
    position.paused = true;
    this.#tell(() => this.#consumer.pause([{ topic, partitions: [partition] }]));
  }

  resume(topic: TopicName, partition: number): void {
    const position = this.#positions.get(topic, partition);
    if (position === undefined || this.#stopped !== undefined) return;
    position.paused = false;
    if (position.state === 'running') this.#tell(() => this.#consumer.resume([{ topic, partitions: [partition] }]));
  }

  committed(topic: TopicName, partitions: readonly number[]): Promise<ReadonlyMap<number, CommittedPosition>> {
    return this.#offsets.committed(topic, partitions);
  }

  commit(positions: readonly CommittedPosition[]): Promise<void> {
    return this.#offsets.commit(positions);
  }

  heartbeat(): Promise<void> {
    return this.#stopped === undefined ? this.#heartbeats.next() : Promise.reject(this.#stopped);
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<void> {
    this.#stop(new BlackboardError('KAFKA_UNAVAILABLE', `this member has left the group ${this.membership.group}`));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, leaveTimeoutMs); });
    // A dead broker answers no farewell; the session's end says the same.
    await Promise.race([this.#consumer.disconnect().catch(() => undefined), late]);
    clearTimeout(timer);
    this.#client.destroySockets();
    this.options.onLeft();
  }

  #stop(reason: Error): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#stopWatching();
    this.#positions.clear();
    this.#heartbeats.reject(reason);
  }

  #halt(error: Error): void {
    if (this.#stopped !== undefined) return;
    this.#stop(error);
    if (this.#joined !== undefined) this.#joined.reject(error);
    else this.membership.onHalt(error);
    void this.leave();
  }

  /** Runs before the first fetch of a generation, in the same turn as kafkajs's own bookkeeping. */
  #onJoin({ payload }: ConsumerGroupJoinEvent): void {
    if (this.#stopped !== undefined) {
      // kafkajs restarted a consumer that was about to leave.
      void this.#consumer.disconnect().catch(() => undefined);
      return;
    }
    const assigned = coPartitioned(this.membership.topics, payload.memberAssignment);
    if (assigned === undefined) {
      this.#halt(new BlackboardError('TOPOLOGY_DRIFT', `the group ${this.membership.group} did not give the same partitions of ${this.membership.topics.join(', ')} to one member; all its members must run this version`));
      return;
    }
    const before = this.#positions.held();
    // A new member id: the group had dropped this one, and others may have held its partitions meanwhile.
    const dropped = this.#memberId !== undefined && this.#memberId !== payload.memberId;
    this.#memberId = payload.memberId;
    const kept = dropped ? [] : before.filter((partition) => assigned.includes(partition));
    const lost = before.filter((partition) => !kept.includes(partition));
    const gained = assigned.filter((partition) => !kept.includes(partition));
    for (const partition of lost) this.#positions.lose(partition);
    for (const partition of gained) this.#positions.gain(partition);
    for (const position of this.#positions.all()) this.#applyTo(position);
    this.#generation += 1;
    this.#crashes = 0;
    this.#call(() => this.membership.onAssigned({ generation: this.#generation, gained, kept, lost }, this));
    this.#joined?.resolve();
  }

  /** A callback that throws would be repeated by kafkajs, on a position that has moved on. */
  #call(callback: () => void): void {
    try { callback(); } catch (error) { this.#halt(error as Error); }
  }

  #tell(change: () => void): void {
    try { change(); } catch {
      // kafkajs is between two lives of its consumer; the next assignment applies every position again.
    }
  }

  /** Tells kafkajs what it has forgotten in the rebalance. */
  #applyTo({ topic, partition, state, paused, wanted }: MemberPosition): void {
    const target = [{ topic, partitions: [partition] }];
    if (state === 'running') this.#consumer.seek({ topic, partition, offset: String(wanted) });
    if (state === 'running' && !paused) this.#consumer.resume(target);
    else this.#consumer.pause(target);
  }

  #onBatch({ batch, isStale, commitOffsetsIfNecessary }: EachBatchPayload): void {
    this.#offsets.commitNow = commitOffsetsIfNecessary;
    const messages = batch.messages;
    if (messages.length === 0 || isStale()) return;
    const topic = batch.topic as TopicName;
    const position = this.#positions.get(topic, batch.partition);
    const first = Number(messages[0]!.offset);
    switch (this.#positions.judge(position, first, messages.length)) {
      case 'ignore': return;
      case 'seekAgain':
        this.#consumer.seek({ topic, partition: batch.partition, offset: String(position!.wanted) });
        return;
      case 'halt':
        this.#consumer.pause([{ topic, partitions: [batch.partition] }]);
        void this.#explain(position!, first);
        return;
      case 'deliver': {
        const last = Number(messages[messages.length - 1]!.offset);
        if (last - first + 1 !== messages.length) { this.#halt(gap(topic, batch.partition, first + messages.length, last + 1)); return; }
        const records: LogRecord[] = new Array<LogRecord>(messages.length);
        for (let index = 0; index < messages.length; index++) records[index] = toRecord(topic, batch.partition, messages[index]!);
        this.#call(() => this.membership.onBatch(records));
      }
    }
  }

  /**
   * Halts with the reason why a partition cannot be delivered from where it should. Where the wanted record is there,
   * kafkajs was only out of step with its seeks (batches that were under way before them), and is told again.
   */
  async #explain(position: MemberPosition, found: number): Promise<void> {
    position.state = 'idle';
    const { topic, partition, wanted, starts } = position;
    try {
      const [range] = await this.options.reader.ranges(topic, [partition]);
      if (wanted < range!.low || wanted > range!.next || found < wanted) { this.#halt(outOfRange(topic, partition, wanted, range!)); return; }
      const [first] = await firstBatch(this.options.reader.read({ topic, partition, from: wanted, until: wanted + 1 }));
      if (first?.offset !== wanted) { this.#halt(gap(topic, partition, wanted, found)); return; }
      await sleep(strayPauseMs);
      if (this.#stopped !== undefined || this.#positions.get(topic, partition) !== position || position.starts !== starts) return;
      position.strays = 0;
      position.state = 'running';
      this.#tell(() => this.#applyTo(position));
    } catch (error) {
      if (!isRetriable(error)) this.#halt(error as Error);
      else if (this.#positions.get(topic, partition) === position && position.starts === starts) this.start(topic, partition, wanted);
    }
  }

  async #checkRanges(topic: TopicName): Promise<void> {
    const positions = [...(this.#rangeChecks.get(topic) ?? [])];
    this.#rangeChecks.delete(topic);
    const asked = positions.map((position) => ({ position, starts: position.starts }));
    try {
      const ranges = await this.options.reader.ranges(topic, positions.map((position) => position.partition));
      for (const { position, starts } of asked) {
        // Lost, or started elsewhere, while the ranges were looked up.
        if (this.#positions.get(topic, position.partition) !== position || position.starts !== starts || this.#stopped !== undefined) continue;
        const range = ranges.find((one) => one.partition === position.partition)!;
        if (position.wanted < range.low || position.wanted > range.next) { this.#halt(outOfRange(topic, position.partition, position.wanted, range)); return; }
        position.state = 'running';
        this.#tell(() => this.#applyTo(position));
      }
    } catch (error) {
      if (!isRetriable(error)) { this.#halt(error as Error); return; }
      // The broker is away. A member that waits for it needs no restart; what is gained or lost meanwhile is minded.
      const still = asked.filter(({ position, starts }) => this.#positions.get(topic, position.partition) === position && position.starts === starts).map(({ position }) => position);
      if (this.#stopped !== undefined || still.length === 0) return;
      await sleep(strayPauseMs);
      this.#rangeChecks.set(topic, new Set([...(this.#rangeChecks.get(topic) ?? []), ...still]));
      void this.#checkRanges(topic);
    }
  }

  #onCrash({ payload }: ConsumerCrashEvent): void {
    this.#offsets.commitNow = undefined;
    // kafkajs restarts after most errors by itself. Not after the one that hides every trouble with the coordinator,
    // a refusal as well as a broker that has only just started.
    if (payload.restart || this.#stopped !== undefined) return;
    if (isRetriable(payload.error)) void this.#rejoin(payload.error);
    else this.#halt(groupRefused(this.membership.group, payload.error));
  }

  /**
   * kafkajs beats by the wall clock: set back by an hour, it would be silent for one, and be dropped by its group without
   * noticing. Its consumers cannot be started anew safely (a restart of its own may be under way, and two would run).
   */
  #clockSetBack(byMs: number): void {
    this.#halt(new BlackboardError(
      'KAFKA_UNAVAILABLE',
      `the clock of this machine was set back by ${Math.round(byMs / 1000)} s, which would keep this member of ${this.membership.group} from beating for as long; nothing is lost. Start this process again (a supervisor does), and let NTP slew the clock instead of setting it`,
      { group: this.membership.group, byMs: Math.round(byMs) },
    ));
  }

  async #rejoin(error: Error): Promise<void> {
    this.#crashes += 1;
    await sleep(Math.min(100 * 2 ** this.#crashes, rejoinPauseMsMax) * (0.5 + Math.random()));
    if (this.#stopped !== undefined) return;
    try {
      // To learn the reason: only what may heal is tried for ever.
      await this.options.link.run((cluster) => findCoordinator(cluster, this.membership.group), rejoinPauseMsMax);
    } catch (reason) {
      if (this.#joined !== undefined || !isRetriable(reason)) { this.#halt(groupRefused(this.membership.group, reason)); return; }
    }
    try {
      await this.#consumer.connect();
      await this.#consume();
    } catch (again) {
      if (isRetriable(again)) void this.#rejoin(error);
      else this.#halt(groupRefused(this.membership.group, again));
    }
  }

  async #consume(): Promise<void> {
    await this.#consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 1, eachBatch: async (payload) => this.#onBatch(payload) });
  }
}

async function firstBatch(batches: AsyncIterable<readonly LogRecord[]>): Promise<readonly LogRecord[]> {
  for await (const batch of batches) return batch;
  return [];
}
