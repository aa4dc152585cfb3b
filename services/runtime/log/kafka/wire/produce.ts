// Produce, version 7: one batch a partition, acks from all in-sync replicas.

import type { Broker } from 'kafkajs';
import type { RecordToAppend } from '../../port.js';
import { askBroker } from './broker-request.js';
import { batchBytes, readInt64, writeBatch, type BatchIdentity } from './record-batch.js';

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
  const byTopic = new Map<string, { part: ProducePart; bytes: number }[]>();
  let bytes = 2 + 2 + 4 + 4;
  for (const part of parts) {
    const entry = { part, bytes: batchBytes(part.records) };
    bytes += 8 + entry.bytes;
    const entries = byTopic.get(part.topic);
    if (entries !== undefined) { entries.push(entry); continue; }
    byTopic.set(part.topic, [entry]);
    bytes += 2 + Buffer.byteLength(part.topic) + 4;
  }
  const body = Buffer.allocUnsafe(bytes);
  let at = body.writeInt16BE(noTransaction, 0);
  at = body.writeInt16BE(acksOfAll, at);
  at = body.writeInt32BE(timeoutMs, at);
  at = body.writeInt32BE(byTopic.size, at);
  for (const [topic, entries] of byTopic) {
    at = body.writeInt16BE(Buffer.byteLength(topic), at);
    at += body.write(topic, at);
    at = body.writeInt32BE(entries.length, at);
    for (const entry of entries) {
      at = body.writeInt32BE(entry.part.partition, at);
      at = body.writeInt32BE(entry.bytes, at);
      at = writeBatch(body, at, entry.part.records, entry.part);
    }
  }
  return body;
}

/** @internal for its test */
export function readProduce(payload: Buffer): { answer: readonly ProducedPart[]; throttleMs: number } {
  const answer: ProducedPart[] = [];
  let at = 4;
  for (let topicsLeft = payload.readInt32BE(0); topicsLeft > 0; topicsLeft -= 1) {
    const nameBytes = payload.readInt16BE(at);
    const topic = payload.toString('utf8', at + 2, at + 2 + nameBytes);
    at += 2 + nameBytes;
    const partitions = payload.readInt32BE(at);
    at += 4;
    for (let left = partitions; left > 0; left -= 1) {
      answer.push({ topic, partition: payload.readInt32BE(at), errorCode: payload.readInt16BE(at + 4), baseOffset: readInt64(payload, at + 6), appendTimeMs: readInt64(payload, at + 14) });
      // Behind them the log's first offset.
      at += 30;
    }
  }
  return { answer, throttleMs: payload.readInt32BE(at) };
}
