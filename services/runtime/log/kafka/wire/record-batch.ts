// Record batches of magic 2 (KIP-98), the only ones that a broker of our versions keeps. Written into the request in
// one pass, each byte copied once; read without a copy: keys and values are views of the answer.

import { gunzipSync } from 'node:zlib';
import type { TopicName } from '../../../../../topics/topics.js';
import { BlackboardError } from '../../../errors.js';
import type { LogRecord, RecordToAppend } from '../../port.js';
import { crc32c } from './crc32c.js';

/** What makes a batch idempotent. */
export interface BatchIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

const headerBytes = 61;
const lengthAt = 8;
const magicAt = 16;
const crcAt = 17;
const attributesAt = 21;
const lastDeltaAt = 23;
const firstTimestampAt = 27;
const maxTimestampAt = 35;
const producerIdAt = 43;
const producerEpochAt = 51;
const sequenceAt = 53;
const countAt = 57;
/** Bytes of a batch's start and length, which the length does not count. */
const uncountedBytes = 12;

const codecMask = 0x07;
const appendTimeBit = 0x08;
const controlBit = 0x20;
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const unpackedBytesMax = 64 * 1024 * 1024;

/** Bytes of the batch that these records make. */
export function batchBytes(records: readonly RecordToAppend[]): number {
  let bytes = headerBytes;
  for (let index = 0; index < records.length; index += 1) {
    const body = bodyBytes(records[index]!, index);
    bytes += varintBytes(body) + body;
  }
  return bytes;
}

/** Writes the batch at `at`; returns the position behind it. */
export function writeBatch(target: Buffer, at: number, records: readonly RecordToAppend[], identity: BatchIdentity): number {
  let position = at + headerBytes;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index]!;
    position = writeVarint(target, position, bodyBytes(record, index));
    target[position++] = 0;
    // The writer's own time is not kept where topics use append time: each record bears the batch's.
    target[position++] = 0;
    position = writeVarint(target, position, index);
    position = writeBytes(target, position, record.key);
    position = writeBytes(target, position, record.value);
    target[position++] = 0;
  }
  const nowMs = BigInt(Date.now());
  target.writeBigInt64BE(0n, at);
  target.writeInt32BE(position - at - uncountedBytes, at + lengthAt);
  target.writeInt32BE(-1, at + lengthAt + 4);
  target[at + magicAt] = 2;
  target.writeInt16BE(0, at + attributesAt);
  target.writeInt32BE(records.length - 1, at + lastDeltaAt);
  target.writeBigInt64BE(nowMs, at + firstTimestampAt);
  target.writeBigInt64BE(nowMs, at + maxTimestampAt);
  target.writeBigInt64BE(identity.producerId, at + producerIdAt);
  target.writeInt16BE(identity.producerEpoch, at + producerEpochAt);
  target.writeInt32BE(identity.firstSequence, at + sequenceAt);
  target.writeInt32BE(records.length, at + countAt);
  target.writeUInt32BE(crc32c(target, at + attributesAt, position), at + crcAt);
  return position;
}

/**
 * The records at or behind offset `from` in a fetched record set; a batch that was cut off at the end is left out, as
 * are the markers of transactions.
 * @throws BlackboardError TOPOLOGY_DRIFT for what our topics never hold: another magic, or a codec that Node lacks.
 */
export function readBatches(set: Buffer, topic: TopicName, partition: number, from: number): LogRecord[] {
  const records: LogRecord[] = [];
  for (let at = 0; at + headerBytes <= set.length;) {
    const end = at + uncountedBytes + set.readInt32BE(at + lengthAt);
    if (end > set.length) break;
    if (set[at + magicAt] !== 2) throw unreadable(topic, partition, `a batch of magic ${set[at + magicAt]}`);
    const attributes = set.readInt16BE(at + attributesAt);
    const base = readInt64(set, at);
    if ((attributes & controlBit) === 0 && base + set.readInt32BE(at + lastDeltaAt) >= from) {
      const codec = attributes & codecMask;
      const packed = set.subarray(at + headerBytes, end);
      const batch: OpenBatch = {
        bytes: codec === 0 ? packed : unpack(packed, codec, topic, partition),
        base, count: set.readInt32BE(at + countAt), isAppendTime: (attributes & appendTimeBit) !== 0,
        timestampMs: readInt64(set, at + ((attributes & appendTimeBit) !== 0 ? maxTimestampAt : firstTimestampAt)),
      };
      readRecords(batch, topic, partition, from, records);
    }
    at = end;
  }
  return records;
}

interface OpenBatch {
  /** Its records. */
  readonly bytes: Buffer;
  readonly base: number;
  readonly count: number;
  readonly isAppendTime: boolean;
  readonly timestampMs: number;
}

const nothing = Buffer.alloc(0);

function readRecords({ bytes, base, count, isAppendTime, timestampMs }: OpenBatch, topic: TopicName, partition: number, from: number, into: LogRecord[]): void {
  const cursor: Cursor = { at: 0 };
  for (let index = 0; index < count; index += 1) {
    const length = readVarint(bytes, cursor);
    const end = cursor.at + length;
    if (length < 0 || end > bytes.length) throw new Error(`a record of ${topic}/${partition} behind offset ${base + index - 1} is longer than its batch`);
    // Attributes, of which there are none yet.
    cursor.at += 1;
    const timeDelta = readVarlong(bytes, cursor);
    const offset = base + readVarint(bytes, cursor);
    if (offset >= from) {
      const key = readSlice(bytes, cursor);
      const value = readSlice(bytes, cursor);
      into.push({ topic, partition, offset, appendTimeMs: isAppendTime ? timestampMs : timestampMs + timeDelta, key, value });
    }
    cursor.at = end;
  }
}

function unpack(packed: Buffer, codec: number, topic: TopicName, partition: number): Buffer {
  if (codecs[codec] !== 'gzip') throw unreadable(topic, partition, `a batch packed with ${codecs[codec] ?? `codec ${codec}`}`);
  return gunzipSync(packed, { maxOutputLength: unpackedBytesMax });
}

function unreadable(topic: TopicName, partition: number, what: string): BlackboardError {
  return new BlackboardError('TOPOLOGY_DRIFT', `${topic}/${partition} holds ${what}, which this program cannot read; with compression.type=uncompressed the broker unpacks what it takes: see \`blackboard topics check\``, { topic, partition });
}

interface Cursor { at: number }

function bodyBytes({ key, value }: RecordToAppend, index: number): number {
  return 3 + varintBytes(index) + varintBytes(key.length) + key.length + varintBytes(value.length) + value.length;
}

/** Of a number that is not negative, after zigzag. */
function varintBytes(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x100000 ? 3 : value < 0x8000000 ? 4 : 5;
}

function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value * 2;
  let position = at;
  while (rest >= 0x80) {
    target[position++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[position++] = rest;
  return position;
}

function writeBytes(target: Buffer, at: number, bytes: Buffer): number {
  const position = writeVarint(target, at, bytes.length);
  bytes.copy(target, position);
  return position + bytes.length;
}

function readVarint(bytes: Buffer, cursor: Cursor): number {
  let raw = 0;
  let shift = 0;
  let byte: number;
  do {
    byte = bytes[cursor.at++]!;
    raw |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return (raw >>> 1) ^ -(raw & 1);
}

/** Up to 2^53 in size: differences of times. */
function readVarlong(bytes: Buffer, cursor: Cursor): number {
  let raw = 0;
  let scale = 1;
  let byte: number;
  do {
    byte = bytes[cursor.at++]!;
    raw += (byte & 0x7f) * scale;
    scale *= 0x80;
  } while (byte >= 0x80);
  return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
}

function readSlice(bytes: Buffer, cursor: Cursor): Buffer {
  const length = readVarint(bytes, cursor);
  if (length < 0) return nothing;
  cursor.at += length;
  return bytes.subarray(cursor.at - length, cursor.at);
}

export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
