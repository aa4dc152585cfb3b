// A whole log in one file that explains itself: the format of golden logs (see golden-file.ts), written and read as a
// stream, its header naming the topic prefix and the schemas that the records were written with. So the file of a Kafka
// log is read without its registry. Its size is that of the log, compressed; reading holds the log in memory.

import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { EventType } from '../schemas/generated/events.js';
import { composeSchemas } from '../schemas/compose.js';
import { topicNames, type TopicNames } from '../topics/topics.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import { EventCodec, parseSchema } from '../services/runtime/codec/event-codec.js';
import { learnSchemas } from '../services/runtime/codec/learn-schemas.js';
import { BlackboardError } from '../services/runtime/errors.js';
import type { LogRecord } from '../services/runtime/log/port.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { syncFolder } from '../services/runtime/write-whole.js';
import { addFrames, frame, HeldLog, readHeader, writeHeader, type GoldenHeader } from './golden-file.js';
import type { RecordedBlackboard } from './readable-log.js';

const chunkBytes = 1024 * 1024;

export interface WrittenFile {
  readonly claims: number;
  readonly facts: number;
  readonly partitions: number;
}

/**
 * Writes both topics as they are now; the file takes its name when it is whole and on disk. Its owner alone may read it:
 * it holds what all tenants wrote. Nothing is left of one that fails, or that `signal` stops.
 */
export async function writeRecordedFile(path: string, source: RecordedBlackboard, about: { readonly name: string; readonly reason: string }, signal?: AbortSignal): Promise<WrittenFile> {
  const { log, topics, codec } = source;
  // Verified first: each of its decisions then has its claim.
  const verified = await log.ranges(topics.verified);
  const quarantine = await log.ranges(topics.quarantine);
  const ids = await schemaIds(source, signal);
  const schemas: Record<string, unknown> = {};
  for (const id of ids) {
    const avro = codec.schemaOf(id);
    if (avro !== null) schemas[id] = avro;
  }
  const counts = [0, 0];
  const header: GoldenHeader = { format: 1, ...about, partitions: verified.length, jobs: 0, prefix: prefixOf(topics.verified), schemas };
  async function* frames(): AsyncGenerator<Buffer> {
    for (const [number, topic, ranges] of [[0, topics.quarantine, quarantine], [1, topics.verified, verified]] as const) {
      for (const range of ranges) {
        if (range.low > 0) throw new BlackboardError('LOG_OUT_OF_RANGE', `${topic} partition ${range.partition} begins at offset ${range.low}: a recorded file holds a log from its beginning`, { low: range.low });
        for await (const batch of log.read({ topic, partition: range.partition, from: 0, until: range.next })) {
          signal?.throwIfAborted();
          counts[number] = (counts[number] as number) + batch.length;
          yield Buffer.concat(batch.map((record: LogRecord) => frame(number, record)));
        }
      }
    }
  }
  await writeAside(path, header, frames);
  return { claims: counts[0] as number, facts: counts[1] as number, partitions: verified.length };
}

/** Under a name of its own first: two that record to one name each write a whole file, and the later one stays. */
async function writeAside(path: string, header: GoldenHeader, frames: () => AsyncGenerator<Buffer>): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.part`;
  const file = await open(aside, 'wx', 0o600);
  try {
    try {
      await file.writeFile(writeHeader(header));
      await pipeline(frames, createGzip({ level: 3, chunkSize: chunkBytes }), async (chunks) => {
        for await (const chunk of chunks as AsyncIterable<Buffer>) await file.writeFile(chunk);
      });
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * @param bytesMax what it may unpack to; a small file may name a thousand times its size.
 * @throws BlackboardError INPUT_INVALID: it is no recorded file, is cut, or is too large; NOT_FOUND.
 */
export async function openRecordedFile(path: string, bytesMax = totalmem()): Promise<RecordedBlackboard> {
  const { header, bytes } = await readHeader(path);
  const topics = topicNames(header.prefix);
  const log = new HeldLog(topics, header.partitions);
  let rest: Buffer = Buffer.alloc(0);
  // The pipeline may tell only that it was aborted.
  let flaw: unknown;
  let unpacked = 0;
  try {
    await pipeline(createReadStream(path, { start: bytes, highWaterMark: chunkBytes }), createGunzip({ chunkSize: chunkBytes }), async (chunks) => {
      for await (const chunk of chunks as AsyncIterable<Buffer>) {
        unpacked += chunk.length;
        if (unpacked > bytesMax) throw new Error('it is too large');
        const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        try {
          rest = all.subarray(addFrames(log, topics, all));
        } catch (found) {
          flaw = found;
          throw found;
        }
      }
    });
  } catch (thrown) {
    if (unpacked > bytesMax) throw new BlackboardError('INPUT_INVALID', `${path} unpacks to more than ${bytesMax} bytes, the memory of this machine, and a log is held there; read it on a larger one`, {}, { cause: thrown });
    const error = flaw ?? thrown;
    throw new BlackboardError('INPUT_INVALID', `${path} is cut or damaged: ${(error as Error).message}; record it again`, {}, { cause: error });
  }
  if (rest.length > 0) throw new BlackboardError('INPUT_INVALID', `${path} ends within a record; record it again`);
  try {
    return { log, topics, codec: codecOf(header) };
  } catch (error) {
    throw new BlackboardError('INPUT_INVALID', `${path} names a schema that cannot be read: ${(error as Error).message}; record it again`, {}, { cause: error });
  }
}

/** Reads with the schemas of the file; own types keep the ids under which the file has them. */
function codecOf({ schemas = {} }: GoldenHeader): EventCodec {
  const schemasDir = join(projectRoot, 'schemas');
  if (Object.keys(schemas).length === 0) return embeddedCodec(schemasDir);
  const codec = new EventCodec();
  const byFingerprint = new Map(Object.entries(schemas).map(([id, avro]) => [parseSchema(avro).fingerprint('sha256').toString('hex'), Number(id)]));
  // Types that the file does not hold are written under ids that no record is read by.
  let unused = -1;
  for (const schema of composeSchemas(schemasDir)) codec.define(schema.name as EventType, schema.avro, byFingerprint.get(parseSchema(schema.avro).fingerprint('sha256').toString('hex')) ?? unused--);
  for (const [id, avro] of Object.entries(schemas)) if (!codec.knows(Number(id))) codec.learn(Number(id), avro);
  return codec;
}

/** Every schema id that a record of either topic names and that somebody knows. */
async function schemaIds({ log, topics, codec, learn }: RecordedBlackboard, signal?: AbortSignal): Promise<ReadonlySet<number>> {
  const ids = new Set<number>();
  for (const topic of [topics.quarantine, topics.verified]) {
    for (const { partition, low, next } of await log.ranges(topic)) {
      for await (const batch of log.read({ topic, partition, from: low, until: next })) {
        signal?.throwIfAborted();
        for (const id of await learnSchemas(batch.map(({ value }) => value), codec, learn)) ids.add(id);
      }
    }
  }
  return ids;
}

function prefixOf(verified: TopicNames['verified']): string {
  return verified.slice(0, verified.length - topicNames('').verified.length);
}
