// A member of a consumer group. kafkajs keeps the membership: it joins, beats, and is told at once to pause whatever it
// gets; the records are fetched beside it (fetch-loop). Nothing of a partition is delivered before `start`, then every
// offset once and in order; what cannot be delivered halts. Callbacks run inside the fetch loop and only enqueue.

import type { Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import type { CommittedPosition, LogRecord, Member, Membership } from '../port.js';
import { watchClock } from './clock-watch.js';
import { ClusterLink } from './cluster-link.js';
import { coPartitionAssigner, coPartitioned } from './co-partition-assigner.js';
import { FetchLoop, type Asked } from './fetch-loop.js';
import { openClient, type KafkaClient, type KafkaConnection } from './kafka-client.js';
import { isRetriable, rootCause } from './kafka-error.js';
import { GroupJoin } from './group-join.js';
import { GroupOffsets, groupRefused } from './group-offsets.js';
import { HeartbeatWaiters } from './heartbeat-waiters.js';
import { MemberPositions, type MemberPosition } from './member-positions.js';
import { gap, outOfRange, type KafkaReader } from './reader.js';

export interface GroupMemberOptions {
  readonly connection: KafkaConnection;
  readonly link: ClusterLink;
  readonly reader: KafkaReader;
  onLeft(): void;
}

const defaultSessionTimeoutMs = 30_000;
const leaveTimeoutMs = 3_000;
/** Of one answer, over all partitions. */
const answerBytesMax = 10 * 1024 * 1024;
/** How long a fetch at the end waits; a partition that is started meanwhile waits for it. */
const fetchWaitMs = 50;
/** What a member may gather before it is told. */
const gatherBytes = 64 * 1024;
const rangeCheckPauseMs = 100;

export class GroupMember implements Member {
  readonly #positions: MemberPositions;
  readonly #client: KafkaClient;
  readonly #consumer: Consumer;
  readonly #join: GroupJoin;
  readonly #offsets: GroupOffsets;
  readonly #heartbeats: HeartbeatWaiters;
  readonly #fetches: FetchLoop;
  readonly #sessionTimeoutMs: number;
  #generation = 0;
  #memberId: string | undefined;
  #stopped: Error | undefined;
  #leaving: Promise<void> | undefined;
  /** Between a rebalance that has begun and the assignment that ends it nothing is delivered. */
  #isSuspended = true;
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
      // It never fetches; this is how often it looks whether a heartbeat is due.
      maxWaitTimeInMs: 50,
      readUncommitted: true,
      allowAutoTopicCreation: false,
      retry: { retries: 8, initialRetryTime: 50, maxRetryTime: 2_000, restartOnFailure: async () => this.#stopped === undefined },
    });
    this.#join = new GroupJoin({
      group: membership.group, topics: membership.topics, consumer: this.#consumer, link: options.link,
      run: () => this.#consumer.run({ autoCommit: false, eachBatch: async () => undefined }),
      isStopped: () => this.#stopped !== undefined,
      onRefused: (error) => this.#halt(error),
    });
    this.#heartbeats = new HeartbeatWaiters(this.#consumer);
    this.#offsets = new GroupOffsets({
      group: membership.group, consumer: this.#consumer, link: options.link,
      holds: (topic, partition) => this.#positions.get(topic, partition) !== undefined,
    });
    const gatherMs = membership.gatherMs ?? 0;
    this.#fetches = new FetchLoop({
      link: new ClusterLink(options.connection),
      topics: membership.topics,
      bytesPerPartitionMax: membership.bytesPerPartitionMax ?? 1024 * 1024,
      patience: { waitMs: gatherMs === 0 ? fetchWaitMs : gatherMs, bytesMin: gatherMs === 0 ? 1 : gatherBytes, bytesMax: answerBytesMax },
      running: () => (this.#isSuspended ? [] : this.#positions.running()),
      onRecords: (asked, records) => this.#onRecords(asked, records),
      onOutOfRange: (asked) => this.#onOutOfRange(asked),
      onTrouble: (error) => options.connection.onTrouble?.(`a member of ${membership.group} has read nothing of some partitions of ${membership.topics.join(', ')} for a while and tries on (${rootCause(error).message}); check the brokers, and the topics with \`blackboard topics check\``, error),
      onError: (error) => this.#halt(groupRefused(membership.group, error)),
    });
  }

  /** Joins; resolves after the first assignment. @throws BlackboardError KAFKA_UNAVAILABLE when the group refuses. */
  async run(): Promise<void> {
    const { GROUP_JOIN, REBALANCING, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, (event) => this.#onJoin(event));
    this.#consumer.on(REBALANCING, () => { this.#isSuspended = true; });
    this.#consumer.on(CRASH, (event) => this.#onCrash(event));
    const joined = new Promise<void>((resolve, reject) => { this.#joined = { resolve, reject }; });
    joined.catch(() => undefined);
    try {
      await this.#join.begin();
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
    position.wanted = offset;
    position.paused = false;
    position.starts += 1;
    this.#fetches.wake();
  }

  pause(topic: TopicName, partition: number): void {
    const position = this.#positions.get(topic, partition);
    if (position !== undefined) position.paused = true;
  }

  resume(topic: TopicName, partition: number): void {
    const position = this.#positions.get(topic, partition);
    if (position === undefined || this.#stopped !== undefined) return;
    position.paused = false;
    this.#fetches.wake();
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
    this.#fetches.stop();
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
    // Before its first fetch, and in the same turn: it never makes one.
    this.#consumer.pause(this.membership.topics.map((topic) => ({ topic, partitions: [...assigned] })));
    this.#isSuspended = false;
    this.#generation += 1;
    this.#join.onJoined();
    this.#call(() => this.membership.onAssigned({ generation: this.#generation, gained, kept, lost }, this));
    this.#joined?.resolve();
    this.#fetches.wake();
  }

  /** A callback that throws must not be taken for trouble of the fetch, which would be tried again. */
  #call(callback: () => void): void {
    try { callback(); } catch (error) { this.#halt(error as Error); }
  }

  #onRecords({ position, wanted, starts }: Asked, records: readonly LogRecord[]): void {
    if (this.#isSuspended || !this.#positions.isWanted(position, wanted, starts)) return;
    const { topic, partition } = position;
    const [first, last] = [records[0]!.offset, records[records.length - 1]!.offset];
    if (first !== wanted) { this.#halt(gap(topic, partition, wanted, first)); return; }
    if (last - first + 1 !== records.length) { this.#halt(gap(topic, partition, first + records.length, last + 1)); return; }
    position.wanted = last + 1;
    this.#call(() => this.membership.onBatch(records));
  }

  #onOutOfRange({ position, wanted, starts }: Asked): void {
    if (!this.#positions.isWanted(position, wanted, starts)) return;
    // Not asked for again before it is known why.
    position.wanted = null;
    void this.#explain(position, wanted);
  }

  /** Halts, unless the range has come to hold the offset: a new leader may lag behind for a moment. */
  async #explain(position: MemberPosition, wanted: number): Promise<void> {
    const { topic, partition, starts } = position;
    for (;;) {
      try {
        const [range] = await this.options.reader.ranges(topic, [partition]);
        if (wanted < range!.low || wanted > range!.next) { this.#halt(outOfRange(topic, partition, wanted, range!)); return; }
        break;
      } catch (error) {
        if (!isRetriable(error)) { this.#halt(error as Error); return; }
      }
      await sleep(rangeCheckPauseMs);
      if (this.#stopped !== undefined) return;
    }
    await sleep(rangeCheckPauseMs);
    if (this.#stopped === undefined && this.#positions.get(topic, partition) === position && position.starts === starts) this.start(topic, partition, wanted);
  }

  #onCrash({ payload }: ConsumerCrashEvent): void {
    this.#isSuspended = true;
    this.#join.onCrash(payload);
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
}
