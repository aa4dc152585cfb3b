// Fetch, version 11: full requests without a fetch session, read uncommitted (our topics have no transactions).

import type { Broker } from 'kafkajs';
import type { TopicName } from '../../../../../topics/topics.js';
import type { LogRecord } from '../../port.js';
import { askBroker, refuseErrorCode } from './broker-request.js';
import { readBatches } from './record-batch.js';

export interface FetchWant {
  readonly topic: TopicName;
  readonly partition: number;
  /** First offset. */
  readonly offset: number;
  readonly bytesMax: number;
}

export interface FetchPatience {
  /** How long the broker waits for `bytesMin`, ms. */
  readonly waitMs: number;
  readonly bytesMin: number;
  /** Of the whole answer; the first batch comes whole all the same. */
  readonly bytesMax: number;
}

/** What came of one want; empty where nothing new is there. */
export interface Fetched {
  /** Of the protocol; 0: none. */
  readonly errorCode: number;
  readonly records: readonly LogRecord[];
}

const apiKey = 1;
const apiVersion = 11;
const notAReplica = -1;
const readUncommitted = 0;
const noSessionEpoch = -1;
const unknownEpoch = -1;

/** The answers in the order of the wants. @throws kafkajs's errors; those of one partition are in its answer. */
export async function fetchRecords(broker: Broker, wants: readonly FetchWant[], patience: FetchPatience): Promise<readonly Fetched[]> {
  return await askBroker(broker, { apiKey, apiVersion, apiName: 'Fetch', body: writeFetch(wants, patience), read: (payload) => readFetch(payload, wants) });
}

/** @internal for its test */
export function writeFetch(wants: readonly FetchWant[], { waitMs, bytesMin, bytesMax }: FetchPatience): Buffer {
  const byTopic = grouped(wants);
  let bytes = 4 * 3 + 4 + 1 + 4 + 4 + 4 + 4 + 2;
  for (const [topic, partitions] of byTopic) bytes += 2 + Buffer.byteLength(topic) + 4 + partitions.length * 28;
  const body = Buffer.allocUnsafe(bytes);
  let at = body.writeInt32BE(notAReplica, 0);
  at = body.writeInt32BE(waitMs, at);
  at = body.writeInt32BE(bytesMin, at);
  at = body.writeInt32BE(bytesMax, at);
  at = body.writeInt8(readUncommitted, at);
  at = body.writeInt32BE(0, at);
  at = body.writeInt32BE(noSessionEpoch, at);
  at = body.writeInt32BE(byTopic.size, at);
  for (const [topic, partitions] of byTopic) {
    at = body.writeInt16BE(Buffer.byteLength(topic), at);
    at += body.write(topic, at);
    at = body.writeInt32BE(partitions.length, at);
    for (const want of partitions) {
      at = body.writeInt32BE(want.partition, at);
      at = body.writeInt32BE(unknownEpoch, at);
      at = body.writeBigInt64BE(BigInt(want.offset), at);
      at = body.writeBigInt64BE(-1n, at);
      at = body.writeInt32BE(want.bytesMax, at);
    }
  }
  // No forgotten topics, no rack.
  at = body.writeInt32BE(0, at);
  body.writeInt16BE(0, at);
  return body;
}

function grouped(wants: readonly FetchWant[]): Map<TopicName, FetchWant[]> {
  const byTopic = new Map<TopicName, FetchWant[]>();
  for (const want of wants) {
    const partitions = byTopic.get(want.topic);
    if (partitions === undefined) byTopic.set(want.topic, [want]);
    else partitions.push(want);
  }
  return byTopic;
}

const nothing: Fetched = { errorCode: 0, records: [] };

/** @internal for its test */
export function readFetch(payload: Buffer, wants: readonly FetchWant[]): { answer: readonly Fetched[]; throttleMs: number } {
  const answer: Fetched[] = wants.map(() => nothing);
  const throttleMs = payload.readInt32BE(0);
  refuseErrorCode(payload.readInt16BE(4));
  let at = 10;
  const topics = payload.readInt32BE(at);
  at += 4;
  for (let topicsLeft = topics; topicsLeft > 0; topicsLeft -= 1) {
    const nameBytes = payload.readInt16BE(at);
    const topic = payload.toString('utf8', at + 2, at + 2 + nameBytes);
    at += 2 + nameBytes;
    const partitions = payload.readInt32BE(at);
    at += 4;
    for (let left = partitions; left > 0; left -= 1) {
      const partition = payload.readInt32BE(at);
      const errorCode = payload.readInt16BE(at + 4);
      // Behind the high watermark, the last stable offset and the log's start come the aborted transactions.
      at += 6 + 24;
      at += 4 + Math.max(0, payload.readInt32BE(at)) * 16;
      // The preferred replica, which only consumers with a rack are told of.
      at += 4;
      const setBytes = Math.max(0, payload.readInt32BE(at));
      at += 4;
      const index = wants.findIndex((want) => want.partition === partition && want.topic === topic);
      const want = wants[index];
      if (want !== undefined) answer[index] = { errorCode, records: readBatches(payload.subarray(at, at + setBytes), want.topic, partition, want.offset) };
      at += setBytes;
    }
  }
  return { answer, throttleMs };
}

