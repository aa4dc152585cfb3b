// Reading without a group: plain fetch requests to the partition's leader over the shared link. So it starts at once,
// leaves no group behind, needs no access to one, and an offset out of range is an error instead of a silent reset.

import type { Cluster } from 'kafkajs';
import type { TopicName } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import type { LogRecord, PartitionRange, ReadOptions } from '../port.js';
import { leaderOf, type ClusterLink } from './cluster-link.js';
import { protocolType } from './kafka-error.js';
import { refuseErrorCode } from './wire/broker-request.js';
import { fetchRecords } from './wire/fetch.js';

const patienceMs = 15_000;
const fetchBytesMax = 2 * 1024 * 1024;
/** How long a fetch at the end waits; other fetches to the same broker queue behind it. */
const fetchWaitMs = 20;
/** The first may join one that was under way before; the second is our own. */
const lookUpsMax = 3;

export class KafkaReader {
  constructor(private readonly link: ClusterLink) {}

  /** As LogPort.ranges. @throws BlackboardError KAFKA_UNAVAILABLE, also where the topic does not exist. */
  async ranges(topic: TopicName, only?: readonly number[]): Promise<readonly PartitionRange[]> {
    return await this.link.run(async (cluster) => {
      const partitions = (await partitionsOf(cluster, topic)).filter(({ partition }) => only === undefined || only.includes(partition));
      if (partitions.length === 0) throw new BlackboardError('NOT_FOUND', `${topic} has no partition ${(only ?? []).join(', ')}; check it with \`blackboard topics check\``);
      const [low, next] = await Promise.all([offsets(cluster, topic, partitions, true), offsets(cluster, topic, partitions, false)]);
      return partitions
        .map(({ partition }) => ({ partition, low: low.get(partition)!, next: next.get(partition)! }))
        .sort((left, right) => left.partition - right.partition);
    }, patienceMs);
  }

  /** As LogPort.read. */
  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    // Asked now, not at the first `next`: the end is that at the time of the call.
    const ranges = this.ranges(options.topic, [options.partition]);
    ranges.catch(() => undefined);
    return this.#read(options, ranges);
  }

  async *#read({ topic, partition, from, until }: ReadOptions, ranges: Promise<readonly PartitionRange[]>): AsyncGenerator<readonly LogRecord[]> {
    const [range] = await ranges;
    const end = Math.min(until ?? Infinity, range!.next);
    if (from < range!.low || from > range!.next) throw outOfRange(topic, partition, from, range!);
    let position = from;
    let ahead = position < end ? this.#fetch(topic, partition, position) : undefined;
    try {
      while (ahead !== undefined) {
        const records = before(await ahead, end);
        if (records.length > 0 && records[0]!.offset !== position) throw gap(topic, partition, position, records[0]!.offset);
        position += records.length;
        // The next request is under way while the caller works on this batch.
        ahead = position < end ? this.#fetch(topic, partition, position) : undefined;
        if (records.length > 0) yield records;
      }
    } finally {
      ahead?.catch(() => undefined);
    }
  }

  #fetch(topic: TopicName, partition: number, offset: number): Promise<readonly LogRecord[]> {
    const fetched = this.link.run(async (cluster) => {
      const leader = leaderOf(cluster, topic, partition);
      if (leader === undefined) await cluster.addMultipleTargetTopics([topic]);
      const nodeId = leader ?? leaderOf(cluster, topic, partition)!;
      const broker = await cluster.findBroker({ nodeId });
      const [fetched] = await fetchRecords(broker, [{ topic, partition, offset, bytesMax: fetchBytesMax }], { waitMs: fetchWaitMs, bytesMin: 1, bytesMax: fetchBytesMax });
      refuseErrorCode(fetched!.errorCode);
      return fetched!.records;
    }, patienceMs).catch(async (error: unknown) => {
      if (protocolType(error) !== 'OFFSET_OUT_OF_RANGE') throw error;
      const [range] = await this.ranges(topic, [partition]);
      throw outOfRange(topic, partition, offset, range!);
    });
    // It may be abandoned by a caller that stops early.
    fetched.catch(() => undefined);
    return fetched;
  }
}

/** kafkajs lets a look-up that is under way stand for one of more topics: what came back may lack this one, and is asked again. */
async function partitionsOf(cluster: Cluster, topic: string): Promise<{ readonly partition: number }[]> {
  await cluster.addMultipleTargetTopics([topic]);
  for (let tries = 1; ; tries += 1) {
    const found = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }));
    if (found.length > 0 || tries > lookUpsMax) return found;
    await cluster.refreshMetadata();
  }
}

/** A broker answers with whole batches: what lies behind the end is cut off. */
function before(records: readonly LogRecord[], end: number): readonly LogRecord[] {
  let last = records.length;
  while (last > 0 && records[last - 1]!.offset >= end) last -= 1;
  return last === records.length ? records : records.slice(0, last);
}

async function offsets(cluster: Cluster, topic: string, partitions: { partition: number }[], fromBeginning: boolean): Promise<Map<number, number>> {
  const found = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }]);
  return new Map(found.flatMap((one) => one.partitions.map(({ partition, offset }) => [partition, Number(offset)] as const)));
}

export function outOfRange(topic: string, partition: number, offset: number, range: PartitionRange): BlackboardError {
  return new BlackboardError(
    'LOG_OUT_OF_RANGE',
    `offset ${offset} of ${topic}/${partition} is not in the log, which holds ${range.low} to ${range.next}; nothing was skipped, see the runbook before you move the position`,
    { topic, partition, offset, low: range.low, next: range.next },
  );
}

export function gap(topic: string, partition: number, wanted: number, found: number): BlackboardError {
  return new BlackboardError(
    'LOG_GAP',
    `after offset ${wanted - 1} of ${topic}/${partition} came ${found}: offsets must be dense; check that the topic has neither compaction nor transactional writers`,
    { topic, partition, wanted, found },
  );
}
