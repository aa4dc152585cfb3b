// Sends to one leader broker: one produce request outstanding, only that leader's partitions in it, idempotent, acks
// from all in-sync replicas; what queues up meanwhile is the next request, so there is no linger and no timer for one.
//
// It writes the produce request and keeps the sequence numbers itself, instead of using kafkajs's producer: that one
// rolls back the sequences of all partitions of a send on any error, spreads a repeated send over brokers and may count
// a partition twice or not at all. Here a request is repeated as it was, with the same sequences, to one common leader,
// for a bounded time: the broker answers a batch that did land with its first offset. If it is still not known then,
// every append in it ends as APPEND_UNKNOWN, and the producer id, its sequences and its sockets are never used again, so
// no repetition can come later; what the network still holds may land, as the port says.

import type { Broker, Cluster } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../../../../topics/topics.js';
import { limits } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import type { Appended, RecordToAppend } from '../port.js';
import { ClusterLink } from './cluster-link.js';
import type { KafkaConnection } from './kafka-client.js';
import { isRetriable, NoAnswerInTime } from './kafka-error.js';
import { covered, verdictOf, type Progress } from './produce-verdict.js';
import { produce, type ProducedPart, type ProducePart } from './wire/produce.js';

/** An append that waits, or is under way. */
export interface PendingAppend {
  readonly records: readonly RecordToAppend[];
  readonly bytes: number;
  resolve(appended: Appended): void;
  reject(error: BlackboardError): void;
}

/** The appends of one partition, in order. It belongs to at most one sender at a time. */
export interface Lane {
  readonly key: string;
  readonly topic: TopicName;
  readonly partition: number;
  waiting: PendingAppend[];
}

/** What one partition has in a request. */
export interface Part {
  readonly lane: Lane;
  readonly appends: readonly PendingAppend[];
  readonly messages: readonly RecordToAppend[];
}

// In kafkajs's Broker, but not in its types.
interface BrokerThatNumbersProducers extends Broker {
  initProducerId(request: { transactionTimeout: number }): Promise<{ producerId: string; producerEpoch: number }>;
}

interface Producer {
  readonly link: ClusterLink;
  readonly sequences: Map<Lane, number>;
  identity: { readonly producerId: bigint; readonly producerEpoch: number } | undefined;
}

/** `moved`: look its leader up anew. `failed`: that, and nothing that waited behind the failure may follow. */
export type Release = 'done' | 'moved' | 'failed';

export interface SenderOptions {
  readonly connection: KafkaConnection;
  /** A request and its repetitions at most. */
  readonly sendTimeoutMs: number;
  /** These lanes are the caller's again. */
  onReleased(lanes: readonly Lane[], how: Release): void;
}

const requestBytesMax = 4 * 1024 * 1024;
const sequenceModulus = 2 ** 31;

export class LeaderSender {
  #ready: Lane[] = [];
  #sending: Promise<void> | undefined;
  #scheduled = false;
  #producer: Producer | undefined;

  constructor(readonly leader: string, private readonly options: SenderOptions) {}

  /** Takes a lane that has waiting appends and is not in a request. */
  add(lane: Lane): void {
    this.#ready.push(lane);
    if (this.#sending !== undefined || this.#scheduled) return;
    this.#scheduled = true;
    // After the present turn, so that all appends of that turn share the first request.
    queueMicrotask(() => { this.#scheduled = false; this.#sendNext(); });
  }

  /** Resolves when no request is out. */
  async idle(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  close(): void {
    this.#retire();
  }

  #sendNext(): void {
    if (this.#ready.length === 0 || this.#sending !== undefined) return;
    this.#sending = this.#send(this.#take()).finally(() => {
      this.#sending = undefined;
      this.#sendNext();
    });
  }

  #take(): Part[] {
    const lanes = this.#ready;
    const parts: Part[] = [];
    let bytes = 0;
    let taken = 0;
    for (; taken < lanes.length && (taken === 0 || bytes < requestBytesMax); taken++) {
      const part = takePart(lanes[taken]!);
      for (const append of part.appends) bytes += append.bytes;
      parts.push(part);
    }
    this.#ready = lanes.slice(taken);
    return parts;
  }

  async #send(parts: readonly Part[]): Promise<void> {
    const progress: Progress = { attempts: 0, writes: 0 };
    let timer: NodeJS.Timeout | undefined;
    const deadlineMs = performance.now() + this.options.sendTimeoutMs;
    // A watch beside the requests' own timeouts: a client that hangs must not hold the partition for ever.
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new NoAnswerInTime(`no answer within ${this.options.sendTimeoutMs} ms`)), this.options.sendTimeoutMs + 100);
    });
    let failed = true;
    try {
      const answers = await Promise.race([this.#transmit(parts, progress, deadlineMs), overdue]);
      failed = false;
      this.#accept(parts, answers);
    } catch (error) {
      this.#retire();
      const verdict = verdictOf(error, parts, progress);
      for (const part of parts) for (const append of part.appends) append.reject(verdict);
    } finally {
      clearTimeout(timer);
    }
    this.#release(parts, failed ? 'failed' : progress.attempts > 1 ? 'moved' : 'done');
  }

  /** Sends until each partition is answered for, or the error is final, or the time is over. */
  async #transmit(parts: readonly Part[], progress: Progress, deadlineMs: number): Promise<Map<string, ProducedPart>> {
    const producer = (this.#producer ??= { link: new ClusterLink(this.options.connection), sequences: new Map(), identity: undefined });
    for (let backoffMs = 25; ; backoffMs = Math.min(backoffMs * 2, 1_000)) {
      progress.attempts += 1;
      try {
        return await producer.link.once(async (cluster) => {
          const broker = await this.#broker(cluster, parts, progress.attempts);
          producer.identity ??= await identityFrom(broker);
          if (this.#producer !== producer) throw new Error('the producer was closed');
          progress.writes += 1;
          return covered(parts, await produce(broker, request(parts, producer.sequences, producer.identity), this.options.connection.requestTimeoutMs ?? 10_000));
        });
      } catch (error) {
        if (!isRetriable(error) || performance.now() + backoffMs >= deadlineMs || this.#producer !== producer) throw error;
        await sleep(backoffMs * (0.5 + Math.random()));
      }
    }
  }

  /** The broker that leads all of the parts. @throws when they are led by several: the request must not be spread. */
  async #broker(cluster: Cluster, parts: readonly Part[], attempt: number): Promise<BrokerThatNumbersProducers> {
    let leader = this.leader;
    // Node ids are text at run time, whatever kafkajs's types say.
    if (attempt > 1 || !(cluster.getNodeIds() as unknown as string[]).includes(leader)) {
      await cluster.addMultipleTargetTopics([...new Set(parts.map((part) => part.lane.topic as string))]);
      await cluster.refreshMetadata();
      const leaders = new Set(parts.map(({ lane }) => String(cluster.findTopicPartitionMetadata(lane.topic).find((found) => found.partitionId === lane.partition)?.leader)));
      if (leaders.size !== 1) throw new Error('the partitions of one request have come under several leaders');
      leader = [...leaders][0]!;
    }
    return (await cluster.findBroker({ nodeId: leader })) as BrokerThatNumbersProducers;
  }

  #accept(parts: readonly Part[], answers: ReadonlyMap<string, ProducedPart>): void {
    const sequences = this.#producer?.sequences;
    for (const { lane, appends, messages } of parts) {
      const answer = answers.get(lane.key)!;
      sequences?.set(lane, ((sequences.get(lane) ?? 0) + messages.length) % sequenceModulus);
      let { baseOffset } = answer;
      // -1 where a topic keeps the writers' own times; such a topic is drift, and this only keeps its times sane.
      const appendTimeMs = answer.appendTimeMs === -1 ? Date.now() : answer.appendTimeMs;
      for (const append of appends) {
        append.resolve({ baseOffset, appendTimeMs });
        baseOffset += append.records.length;
      }
    }
  }

  #release(parts: readonly Part[], how: Release): void {
    if (how !== 'done') {
      // What still waits here may have another leader now as well.
      const others = this.#ready;
      this.#ready = [];
      this.options.onReleased(parts.map((part) => part.lane), how);
      this.options.onReleased(others, 'moved');
      return;
    }
    const empty: Lane[] = [];
    for (const { lane } of parts) (lane.waiting.length > 0 ? this.#ready : empty).push(lane);
    this.options.onReleased(empty, how);
  }

  #retire(): void {
    this.#producer?.link.close();
    this.#producer = undefined;
  }
}

/** As many whole appends of a lane as one batch takes, in order; at least one. */
function takePart(lane: Lane): Part {
  let records = 0;
  let bytes = 0;
  let count = 0;
  for (const append of lane.waiting) {
    records += append.records.length;
    bytes += append.bytes;
    if (count > 0 && (records > limits.batchRecordsMax || bytes > limits.batchBytesMax)) break;
    count += 1;
  }
  const appends = lane.waiting.slice(0, count);
  lane.waiting = lane.waiting.slice(count);
  return { lane, appends, messages: count === 1 ? appends[0]!.records : appends.flatMap((append) => append.records) };
}

async function identityFrom(broker: BrokerThatNumbersProducers): Promise<NonNullable<Producer['identity']>> {
  const { producerId, producerEpoch } = await broker.initProducerId({ transactionTimeout: 60_000 });
  return { producerId: BigInt(producerId), producerEpoch };
}

function request(parts: readonly Part[], sequences: ReadonlyMap<Lane, number>, identity: NonNullable<Producer['identity']>): ProducePart[] {
  return parts.map(({ lane, messages }) => ({
    topic: lane.topic, partition: lane.partition, records: messages, firstSequence: sequences.get(lane) ?? 0,
    producerId: identity.producerId, producerEpoch: identity.producerEpoch,
  }));
}
