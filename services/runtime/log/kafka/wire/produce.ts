// Produce, version 7: one batch a partition, acks from all in-sync replicas.

import type { Broker } from 'kafkajs';
import type { RecordToAppend } from '../../port.js';
import { askBroker } from './broker-request.js';
import { batchBytes, readInt64, writeBatch, type BatchIdentity } from './record-batch.js';
import { groupByTopic, readTopicArray, topicArrayBytes, writeTopicArray } from './topic-array.js';

export interface ProducePart extends BatchIdentity {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly RecordToAppend[];
}

export interface ProducedPart {
  readonly topic: string;
  readonly partition: number;
  /** Of the protocol; 0: none. */
  readonly errorCode: number;
  readonly baseOffset: number;
  /** ms since 1970; -1 where the topic keeps its writers' times. */
  readonly appendTimeMs: number;
}

const apiKey = 0;
const apiVersion = 7;
const noTransaction = -1;
const acksOfAll = -1;

/** What the broker answers, partition by partition. @throws kafkajs's errors of connection and time. */
export async function produce(broker: Broker, parts: readonly ProducePart[], timeoutMs: number): Promise<readonly ProducedPart[]> {
  return await askBroker(broker, { apiKey, apiVersion, apiName: 'Produce', body: writeProduce(parts, timeoutMs), read: readProduce });
}

/** @internal for its test */
export function writeProduce(parts: readonly ProducePart[], timeoutMs: number): Buffer {
  const byTopic = groupByTopic(parts.map((part) => ({ topic: part.topic, part, bytes: batchBytes(part.records) })));
  let bytes = 2 + 2 + 4 + topicArrayBytes(byTopic);
  for (const entries of byTopic.values()) for (const entry of entries) bytes += 8 + entry.bytes;
  const body = Buffer.allocUnsafe(bytes);
  let at = body.writeInt16BE(noTransaction, 0);
  at = body.writeInt16BE(acksOfAll, at);
  at = body.writeInt32BE(timeoutMs, at);
  writeTopicArray(body, at, byTopic, (entry, start) => {
    const next = body.writeInt32BE(entry.part.partition, start);
    return writeBatch(body, body.writeInt32BE(entry.bytes, next), entry.part.records, entry.part);
  });
  return body;
}

/** @internal for its test */
export function readProduce(payload: Buffer): { answer: readonly ProducedPart[]; throttleMs: number } {
  const answer: ProducedPart[] = [];
  const end = readTopicArray(payload, 0, (topic, at) => {
    answer.push({ topic, partition: payload.readInt32BE(at), errorCode: payload.readInt16BE(at + 4), baseOffset: readInt64(payload, at + 6), appendTimeMs: readInt64(payload, at + 14) });
    // Behind them the log's first offset.
    return at + 30;
  });
  return { answer, throttleMs: payload.readInt32BE(end) };
}
