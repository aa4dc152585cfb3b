// The fetches of a group member: to each leader one request at a time, for all partitions that it leads and that run.
// kafkajs's own consumer goes back to committed offsets at each rebalance and silently resets what is out of range;
// here a partition is asked for from where it stands, and what is wrong with it is told by name.

import type { Broker, Cluster } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../../../../topics/topics.js';
import type { LogRecord } from '../port.js';
import { leaderOf, type ClusterLink } from './cluster-link.js';
import { FetchPace } from './fetch-pace.js';
import { isRetriable, isTransport, rootCause } from './kafka-error.js';
import type { MemberPosition, RunningPosition } from './member-positions.js';
import { refuseErrorCode } from './wire/broker-request.js';
import { fetchRecords, type Fetched, type FetchPatience } from './wire/fetch.js';

export interface FetchLoopOptions {
  /** Of this loop alone: a fetch that waits holds its connection. */
  readonly link: ClusterLink;
  readonly topics: readonly TopicName[];
  readonly bytesPerPartitionMax: number;
  readonly patience: FetchPatience;
  /** What may be fetched now. */
  running(): readonly RunningPosition[];
  /** The records that came of asking for `asked.wanted`, at least one. */
  onRecords(asked: Asked, records: readonly LogRecord[]): void;
  onOutOfRange(asked: Asked): void;
  /** Told once of trouble that goes on and on, and may need somebody: a topic that was deleted, a broker that is away. */
  onTrouble(error: unknown): void;
  /** What retrying does not heal. */
  onError(error: Error): void;
}

/** A position as it was when it was asked for. */
export interface Asked {
  readonly position: MemberPosition;
  readonly wanted: number;
  readonly starts: number;
}

const outOfRangeName = 'OFFSET_OUT_OF_RANGE';
const leaderNotAvailable = 5;
const backoffMsMin = 25;
const backoffMsMax = 1_000;
/** A broker that starts, an election or a topic just made heals within this. */
const troubleMsMin = 10_000;
/** Beside the leaders: learning who leads. */
const metadata = 'metadata';

export class FetchLoop {
  /** Leaders that are being asked, or given time after they failed. */
  readonly #asking = new Set<string>();
  #isWoken = false;
  #isDispatching = false;
  #isOver = false;
  #backoffMs = backoffMsMin;
  /** Requests by leader, also over pauses: a reader that pauses at each answer must not begin with the same partition again. */
  readonly #turns = new Map<string, number>();
  readonly #paces = new Map<string, FetchPace>();
  /** By leader: since when nothing has come of asking it. */
  readonly #troubles = new Map<string, { readonly sinceMs: number; isTold: boolean }>();

  constructor(private readonly options: FetchLoopOptions) {}

  /** There may be more to fetch: a partition was started or resumed. */
  wake(): void {
    if (this.#isWoken || this.#isOver) return;
    this.#isWoken = true;
    // After the present turn, so that all that is started in it shares a request.
    if (!this.#isDispatching) queueMicrotask(() => void this.#dispatch());
  }

  stop(): void {
    this.#isOver = true;
    this.options.link.close();
  }

  async #dispatch(): Promise<void> {
    this.#isDispatching = true;
    while (this.#isWoken && !this.#isOver) {
      this.#isWoken = false;
      if (this.options.running().length > 0) await this.#askAll();
      else this.#troubles.clear();
    }
    this.#isDispatching = false;
  }

  async #askAll(): Promise<void> {
    try {
      await this.options.link.once(async (cluster) => {
        await cluster.addMultipleTargetTopics([...this.options.topics]);
        const leaders = this.#leaders(cluster);
        for (const leader of leaders) if (!this.#asking.has(leader)) void this.#askOn(leader);
        // Over for metadata, and for whoever leads nothing more that is read: one failure long after is no trouble that goes on.
        for (const where of this.#troubles.keys()) if (!leaders.has(where)) this.#troubles.delete(where);
      });
    } catch (error) {
      await this.#recover(error, metadata);
    }
  }

  #leaders(cluster: Cluster): Set<string> {
    const running = this.options.running();
    const leaders = new Set(running.map((position) => leaderOf(cluster, position.topic, position.partition)));
    // Metadata that does not know the leader yet: asked for again like any other trouble.
    if (leaders.delete(undefined)) refuseErrorCode(leaderNotAvailable);
    return leaders as Set<string>;
  }

  async #askOn(leader: string): Promise<void> {
    this.#asking.add(leader);
    try {
      await this.options.link.once((cluster) => this.#ask(cluster, leader));
    } catch (error) {
      await this.#recover(error, leader);
    }
    this.#asking.delete(leader);
    // What was started while the last answer was awaited, or has come under another leader.
    if (this.options.running().length > 0) this.wake();
  }

  /** One fetch after another, while there is anything of this leader's to ask for. */
  async #ask(cluster: Cluster, leader: string): Promise<void> {
    const pace = this.#paceOf(leader);
    while (!this.#isOver) {
      const broker: Broker = await cluster.findBroker({ nodeId: leader });
      const asked: Asked[] = [];
      for (const position of this.options.running()) if (leaderOf(cluster, position.topic, position.partition) === leader) asked.push({ position, wanted: position.wanted, starts: position.starts });
      if (asked.length === 0) {
        this.#troubles.delete(leader);
        return;
      }
      // A broker fills its answer in the order that it was asked in: another begins each time, or the last would starve.
      const turn = (this.#turns.get(leader) ?? 0) + 1;
      this.#turns.set(leader, turn);
      asked.push(...asked.splice(0, turn % asked.length));
      const { bytesPerPartitionMax, patience } = this.options;
      const fetched = await fetchRecords(broker, asked.map(({ position, wanted }) => ({ topic: position.topic, partition: position.partition, offset: wanted, bytesMax: bytesPerPartitionMax })), patience);
      if (this.#isOver) return;
      const answeredAtMs = performance.now();
      this.#handOver(asked, fetched);
      this.#troubles.delete(leader);
      this.#backoffMs = backoffMsMin;
      const pauseMs = pace.pauseMs(fetched.reduce((sum, { records }) => sum + records.length, 0), answeredAtMs);
      const leftMs = Math.round(pauseMs - (performance.now() - answeredAtMs));
      if (leftMs >= 1) await sleep(leftMs);
    }
  }

  #paceOf(leader: string): FetchPace {
    let pace = this.#paces.get(leader);
    if (pace === undefined) this.#paces.set(leader, pace = new FetchPace());
    return pace;
  }

  /** @throws the first partition's error that may heal, after all that did come was handed over. */
  #handOver(asked: readonly Asked[], fetched: readonly Fetched[]): void {
    let failure: unknown;
    for (let index = 0; index < asked.length; index += 1) {
      const { errorCode, records } = fetched[index]!;
      if (errorCode === 0) {
        if (records.length > 0) this.options.onRecords(asked[index]!, records);
        continue;
      }
      try {
        refuseErrorCode(errorCode);
      } catch (error) {
        if (rootCause(error).type === outOfRangeName) this.options.onOutOfRange(asked[index]!);
        else failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** A member that waits for its broker needs no restart. */
  async #recover(error: unknown, where: string): Promise<void> {
    if (this.#isOver) return;
    if (!isRetriable(error)) { this.options.onError(error as Error); return; }
    this.#noteTrouble(error, where);
    const backoffMs = this.#backoffMs;
    this.#backoffMs = Math.min(backoffMs * 2, backoffMsMax);
    await sleep(backoffMs * (0.5 + Math.random()));
    if (this.#isOver) return;
    if (!isTransport(error)) await this.options.link.once((cluster) => cluster.refreshMetadata()).catch(() => undefined);
    this.wake();
  }

  #noteTrouble(error: unknown, where: string): void {
    const nowMs = performance.now();
    const trouble = this.#troubles.get(where) ?? { sinceMs: nowMs, isTold: false };
    this.#troubles.set(where, trouble);
    if (trouble.isTold || nowMs - trouble.sinceMs < troubleMsMin) return;
    trouble.isTold = true;
    this.options.onTrouble(error);
  }
}
