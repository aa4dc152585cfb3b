// A recorded log in one file, and the log it is read back as. Format, all numbers big-endian:
//   "BBGOLDEN" | u32 length | header as JSON | records until the end
//   record: u8 topic (0 quarantine, 1 verified) | u16 partition | f64 append time, ms since 1970
//           | u32 length | key | u32 length | value
// Offsets are not stored: they are dense per partition, in the order of the file. The whole behind the header is gzip.

import { open } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { TopicName, TopicNames } from '../topics/topics.js';
import { BlackboardError } from '../services/runtime/errors.js';
import type { LogRecord, PartitionRange, ReadOptions } from '../services/runtime/log/port.js';
import type { ReadableLog } from './readable-log.js';

export interface GoldenHeader {
  readonly format: 1;
  readonly name: string;
  /** Why it was recorded, or recorded again. */
  readonly reason: string;
  readonly partitions: number;
  readonly jobs: number;
  /** Of the topics; default `bb.`. */
  readonly prefix?: string;
  /** By id: the schemas that the records were written with. Default: those of an embedded log. */
  readonly schemas?: Readonly<Record<string, unknown>>;
}

const magic = Buffer.from('BBGOLDEN');

export function writeGolden(header: GoldenHeader, records: Readonly<Record<'quarantine' | 'verified', readonly LogRecord[]>>): Buffer {
  const body = Buffer.concat([...records.quarantine.map((record) => frame(0, record)), ...records.verified.map((record) => frame(1, record))]);
  return Buffer.concat([writeHeader(header), gzipSync(body, { level: 9 })]);
}

/** @throws BlackboardError INPUT_INVALID */
export function readGolden(bytes: Buffer, topics: Pick<TopicNames, 'quarantine' | 'verified'>): { readonly header: GoldenHeader; readonly log: HeldLog } {
  const { header, end } = parseHeader(bytes);
  const log = new HeldLog(topics, header.partitions);
  addFrames(log, topics, gunzipSync(bytes.subarray(end)));
  return { header, log };
}

export function writeHeader(header: GoldenHeader): Buffer {
  const head = Buffer.from(JSON.stringify(header));
  return Buffer.concat([magic, u32(head.length), head]);
}

/** The header of a file, and where it ends. @throws BlackboardError INPUT_INVALID, NOT_FOUND */
export async function readHeader(path: string): Promise<{ readonly header: GoldenHeader; readonly bytes: number }> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new BlackboardError('NOT_FOUND', `the recorded file ${path} cannot be opened (${error.code ?? 'error'})`, {}, { cause: error });
  });
  try {
    const first = await file.read(Buffer.alloc(magic.length + 4), 0, magic.length + 4, 0);
    const length = first.bytesRead < magic.length + 4 ? 0 : Math.min(first.buffer.readUInt32BE(magic.length), headerBytesMax);
    const all = Buffer.concat([first.buffer, (await file.read(Buffer.alloc(length), 0, length, magic.length + 4)).buffer]);
    const { header, end } = parseHeader(all);
    return { header, bytes: end };
  } finally {
    await file.close();
  }
}

const headerBytesMax = 16 * 1024 * 1024;

function parseHeader(bytes: Buffer): { readonly header: GoldenHeader; readonly end: number } {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw new BlackboardError('INPUT_INVALID', 'this is no recorded log: it does not begin with BBGOLDEN; record one with "blackboard record --out FILE"');
  const end = magic.length + 4 + bytes.readUInt32BE(magic.length);
  let header: GoldenHeader;
  try {
    header = JSON.parse(bytes.toString('utf8', magic.length + 4, end)) as GoldenHeader;
  } catch {
    throw new BlackboardError('INPUT_INVALID', 'the header of this recorded log is damaged; record it again');
  }
  if (header?.format !== 1) throw new BlackboardError('INPUT_INVALID', `this recorded log has format ${String(header?.format)}, and only format 1 is known here; record it again`);
  // A frame names its partition in 16 bits.
  const isWhole = Number.isInteger(header.partitions) && header.partitions >= 1 && header.partitions <= 65_536 && /^[\w.-]{0,200}$/.test(header.prefix ?? '') && isObject(header.schemas ?? {});
  if (!isWhole) throw new BlackboardError('INPUT_INVALID', 'the header of this recorded log names no number of partitions, topic prefix or schemas that a log can have; record it again');
  return { header, end };
}

function isObject(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Far above what a broker takes; what a damaged or hostile file names beyond it would be gathered until memory ends. */
const frameBytesMax = 64 * 1024 * 1024;

/** Adds the whole frames of `body` to a log, whose records then share its memory; answers where they end. @throws BlackboardError INPUT_INVALID */
export function addFrames(log: HeldLog, topics: Pick<TopicNames, 'quarantine' | 'verified'>, body: Buffer): number {
  let at = 0;
  for (;;) {
    const keyAt = at + 15;
    if (keyAt > body.length) return at;
    const keyEnd = keyAt + body.readUInt32BE(at + 11);
    if (keyEnd + 4 > body.length) return within(at, keyEnd);
    const valueEnd = keyEnd + 4 + body.readUInt32BE(keyEnd);
    if (valueEnd > body.length) return within(at, valueEnd);
    log.add(body[at] === 0 ? topics.quarantine : topics.verified, body.readUInt16BE(at + 1), { appendTimeMs: timeAt(body, at + 3), key: body.subarray(keyAt, keyEnd), value: body.subarray(keyEnd + 4, valueEnd) });
    at = valueEnd;
  }
}

/** Whatever compares times would pass with one that is no number. */
function timeAt(body: Buffer, at: number): number {
  const appendTimeMs = body.readDoubleBE(at);
  if (Number.isSafeInteger(appendTimeMs) && appendTimeMs >= 0) return appendTimeMs;
  throw new BlackboardError('INPUT_INVALID', `a record appended at ${appendTimeMs} ms, which no log says`);
}

function within(at: number, end: number): number {
  if (end - at > frameBytesMax) throw new BlackboardError('INPUT_INVALID', `a record of ${end - at} bytes, which no log holds`);
  return at;
}

export function frame(topic: number, { partition, appendTimeMs, key, value }: LogRecord): Buffer {
  const head = Buffer.alloc(15);
  head.writeUInt8(topic, 0);
  head.writeUInt16BE(partition, 1);
  head.writeDoubleBE(appendTimeMs, 3);
  head.writeUInt32BE(key.length, 11);
  return Buffer.concat([head, key, u32(value.length), value]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Records held in memory, read as a log is. */
export class HeldLog implements ReadableLog {
  readonly #records = new Map<TopicName, LogRecord[][]>();

  constructor(topics: Pick<TopicNames, 'quarantine' | 'verified'>, partitions: number) {
    for (const topic of [topics.quarantine, topics.verified]) this.#records.set(topic, Array.from({ length: partitions }, () => []));
  }

  /** The records of a partition, to be looked at or altered in place. */
  records(topic: TopicName, partition: number): LogRecord[] {
    const records = this.#records.get(topic)?.[partition];
    if (records === undefined) throw new BlackboardError('NOT_FOUND', `${topic} has no partition ${partition} here`, { topic, partition });
    return records;
  }

  add(topic: TopicName, partition: number, record: Pick<LogRecord, 'appendTimeMs' | 'key' | 'value'>): void {
    const records = this.records(topic, partition);
    records.push({ topic, partition, offset: records.length, ...record });
  }

  async *read({ topic, partition, from, until }: ReadOptions): AsyncGenerator<readonly LogRecord[]> {
    const records = this.records(topic, partition);
    const found = records.slice(from, until ?? records.length);
    if (found.length > 0) yield found;
  }

  async ranges(topic: TopicName): Promise<readonly PartitionRange[]> {
    return (this.#records.get(topic) ?? []).map((records, partition) => ({ partition, low: 0, next: records.length }));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** All records of both topics, partition by partition. */
export async function holdLog(log: ReadableLog, topics: Pick<TopicNames, 'quarantine' | 'verified'>): Promise<Readonly<Record<'quarantine' | 'verified', readonly LogRecord[]>>> {
  const read = async (topic: TopicName): Promise<readonly LogRecord[]> => {
    const records: LogRecord[] = [];
    for (const range of await log.ranges(topic)) for await (const batch of log.read({ topic, partition: range.partition, from: range.low, until: range.next })) for (const record of batch) records.push(record);
    return records;
  };
  // Verified first: each of its decisions then has its claim.
  const verified = await read(topics.verified);
  return { verified, quarantine: await read(topics.quarantine) };
}
