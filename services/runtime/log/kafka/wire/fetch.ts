// Fetch, version 11: full requests without a fetch session, read uncommitted (our topics have no transactions).

import type { Broker } from 'kafkajs';
import type { TopicName } from '../../../../../topics/topics.js';
import type { LogRecord } from '../../port.js';
import { askBroker, refuseErrorCode } from './broker-request.js';
import { readBatches } from './record-batch.js';
import { groupByTopic, readTopicArray, topicArrayBytes, writeTopicArray } from './topic-array.js';

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
const wantBytes = 28;

/** The answers in the order of the wants. @throws kafkajs's errors; those of one partition are in its answer. */
export async function fetchRecords(broker: Broker, wants: readonly FetchWant[], patience: FetchPatience): Promise<readonly Fetched[]> {
  return await askBroker(broker, { apiKey, apiVersion, apiName: 'Fetch', body: writeFetch(wants, patience), read: (payload) => readFetch(payload, wants) });
}

/** @internal for its test */
export function writeFetch(wants: readonly FetchWant[], { waitMs, bytesMin, bytesMax }: FetchPatience): Buffer {
  const byTopic = groupByTopic(wants);
  const body = Buffer.allocUnsafe(4 * 4 + 1 + 4 * 2 + topicArrayBytes(byTopic) + wants.length * wantBytes + 4 + 2);
  let at = body.writeInt32BE(notAReplica, 0);
  at = body.writeInt32BE(waitMs, at);
  at = body.writeInt32BE(bytesMin, at);
  at = body.writeInt32BE(bytesMax, at);
  at = body.writeInt8(readUncommitted, at);
  at = body.writeInt32BE(0, at);
  at = body.writeInt32BE(noSessionEpoch, at);
  at = writeTopicArray(body, at, byTopic, (want, start) => {
    let next = body.writeInt32BE(want.partition, start);
    next = body.writeInt32BE(unknownEpoch, next);
    next = body.writeBigInt64BE(BigInt(want.offset), next);
    next = body.writeBigInt64BE(-1n, next);
    return body.writeInt32BE(want.bytesMax, next);
  });
  // No forgotten topics, no rack.
  at = body.writeInt32BE(0, at);
  body.writeInt16BE(0, at);
  return body;
}

const nothing: Fetched = { errorCode: 0, records: [] };

/** @internal for its test */
export function readFetch(payload: Buffer, wants: readonly FetchWant[]): { answer: readonly Fetched[]; throttleMs: number } {
  const answer: Fetched[] = wants.map(() => nothing);
  const throttleMs = payload.readInt32BE(0);
  refuseErrorCode(payload.readInt16BE(4));
  // Behind the session's id, which we have none of.
  readTopicArray(payload, 10, (topic, start) => {
    const partition = payload.readInt32BE(start);
    const errorCode = payload.readInt16BE(start + 4);
    // Behind the high watermark, the last stable offset and the log's start come the aborted transactions, and then
    // the preferred replica, which only consumers with a rack are told of.
    let at = start + 6 + 24;
    at += 4 + Math.max(0, payload.readInt32BE(at)) * 16 + 4;
    const set = payload.subarray(at + 4, at + 4 + Math.max(0, payload.readInt32BE(at)));
    const index = wants.findIndex((want) => want.partition === partition && want.topic === topic);
    const want = wants[index];
    if (want !== undefined) answer[index] = { errorCode, records: readBatches(set, want.topic, partition, want.offset) };
    return at + 4 + set.length;
  });
  return { answer, throttleMs };
}

