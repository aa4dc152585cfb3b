// Appends: each partition has a lane, each lane the sender of its present leader. Order within a lane is the order of
// the calls; a lane is in one request at a time, whatever its leader. When a request fails, what waits behind it in
// its lanes is refused: its writer may have built upon the append whose outcome is not known, and must look first.

import { limits } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import type { AppendBatch, Appended } from '../port.js';
import type { ClusterLink } from './cluster-link.js';
import type { KafkaConnection } from './kafka-client.js';
import { isRetriable, rootCause } from './kafka-error.js';
import { LeaderSender, type Lane, type Release } from './leader-sender.js';
import { laneKey } from './produce-verdict.js';

export interface WriterOptions {
  readonly connection: KafkaConnection;
  /** For metadata; shared with the reader. */
  readonly link: ClusterLink;
  readonly sendTimeoutMs: number;
}

interface WriterLane extends Lane {
  /** Where it was sent last; looked up again after each doubt. */
  sender: LeaderSender | undefined;
  /** Queued at a sender, in a request, or being looked up. */
  busy: boolean;
  sent: boolean;
  /** A request with it has just failed. */
  refusing: boolean;
}

export class KafkaWriter {
  readonly #lanes = new Map<string, WriterLane>();
  readonly #senders = new Map<string, LeaderSender>();
  #closing = false;

  constructor(private readonly options: WriterOptions) {}

  /** Rejects as LogPort.append says. */
  append(batch: AppendBatch): Promise<Appended> {
    const bytes = checkedBytes(batch);
    if (bytes instanceof BlackboardError) return Promise.reject(bytes);
    if (this.#closing) return Promise.reject(new BlackboardError('APPEND_REFUSED', 'this log is closed; nothing of the append is in it'));
    const key = laneKey(batch.topic, batch.partition);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, topic: batch.topic, partition: batch.partition, waiting: [], sender: undefined, busy: false, sent: false, refusing: false };
      this.#lanes.set(key, lane);
    }
    const queued = lane;
    return new Promise((resolve, reject) => {
      queued.waiting.push({ records: batch.records, bytes, resolve, reject });
      if (!queued.busy && !queued.refusing) this.#dispatch(queued);
    });
  }

  /** Lets what was appended before come to its end, then closes all producers. */
  async close(): Promise<void> {
    this.#closing = true;
    while ([...this.#lanes.values()].some((lane) => lane.busy || lane.refusing)) await this.#settled();
    for (const sender of this.#senders.values()) sender.close();
  }

  async #settled(): Promise<void> {
    await Promise.all([...this.#senders.values()].map((sender) => sender.idle()));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #dispatch(lane: WriterLane): void {
    lane.busy = true;
    if (lane.sender === undefined) void this.#route(lane);
    else lane.sender.add(lane);
  }

  async #route(lane: WriterLane): Promise<void> {
    // A lane that had a leader before has lost it in doubt.
    const afresh = lane.sent;
    lane.sent = true;
    try {
      const leader = await this.options.link.run(async (cluster) => {
        await cluster.addMultipleTargetTopics([lane.topic]);
        if (afresh) await cluster.refreshMetadata();
        const partitions = cluster.findTopicPartitionMetadata(lane.topic);
        const found = partitions.find((partition) => partition.partitionId === lane.partition);
        if (found === undefined) throw new BlackboardError('APPEND_REFUSED', `${lane.topic} has ${partitions.length} partitions and none with the number ${lane.partition}`);
        return String(found.leader);
      }, this.options.sendTimeoutMs);
      let sender = this.#senders.get(leader);
      if (sender === undefined) {
        sender = new LeaderSender(leader, { ...this.options, onReleased: (lanes, how) => this.#released(lanes as readonly WriterLane[], how) });
        this.#senders.set(leader, sender);
      }
      lane.sender = sender;
      sender.add(lane);
    } catch (error) {
      const refused = error instanceof BlackboardError && error.code === 'APPEND_REFUSED' ? error
        : new BlackboardError('APPEND_REFUSED', `an append to ${lane.key} was not sent (${rootCause(error).message}); nothing of it is in the log, append it again`, { heals: isRetriable(error) }, { cause: error });
      const waiting = lane.waiting;
      lane.waiting = [];
      lane.busy = false;
      for (const append of waiting) append.reject(refused);
    }
  }

  #released(lanes: readonly WriterLane[], how: Release): void {
    for (const lane of lanes) {
      lane.busy = false;
      if (how !== 'done') lane.sender = undefined;
      if (how === 'failed') this.#refuseWaiting(lane);
      else if (lane.waiting.length > 0) this.#dispatch(lane);
    }
  }

  /** Those that wait, and those that come before the writer of the failed append has heard of it. */
  #refuseWaiting(lane: WriterLane): void {
    lane.refusing = true;
    setImmediate(() => {
      lane.refusing = false;
      const waiting = lane.waiting;
      lane.waiting = [];
      for (const append of waiting) append.reject(behindFailure(lane));
    });
  }
}

/** That one is told what it was; should it be lasting, this one is told so at its next try. */
function behindFailure(lane: Lane): BlackboardError {
  return new BlackboardError('APPEND_REFUSED', `an append to ${lane.key} was not sent, because the one before it failed; nothing of it is in the log, see what became of the other and append it again`, { heals: true });
}

/** Bytes of keys and values, or why the batch cannot be sent at all. */
function checkedBytes(batch: AppendBatch): number | BlackboardError {
  const { records, topic, partition } = batch;
  if (records.length === 0) return new BlackboardError('APPEND_REFUSED', `an append to ${topic}/${partition} holds no record`);
  let bytes = 0;
  for (const { key, value } of records) {
    if (value.length > limits.recordBytesMax) {
      return new BlackboardError('APPEND_TOO_LARGE', `a record for ${topic}/${partition} has ${value.length} bytes, ${limits.recordBytesMax} at most; put its body into the body store and refer to it`, { bytes: value.length });
    }
    bytes += key.length + value.length;
  }
  if (records.length > limits.batchRecordsMax || bytes > limits.batchBytesMax) {
    return new BlackboardError('APPEND_TOO_LARGE', `an append to ${topic}/${partition} has ${records.length} records and ${bytes} bytes; a batch takes ${limits.batchRecordsMax} and ${limits.batchBytesMax}, and is never split`, { records: records.length, bytes });
  }
  return bytes;
}
