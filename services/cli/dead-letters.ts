// Reads dead letters from the log itself: they are there even when the database is not.

import { openRecorded, type RecordedAt } from '../../replay/open-recorded.js';
import type { DeadLetter } from '../../schemas/generated/events.js';
import { topicNames, type TopicNames } from '../../topics/topics.js';
import type { LogRecord } from '../runtime/log/port.js';
import { CliError } from './exit-codes.js';

export interface FoundLetter {
  readonly record: LogRecord;
  readonly letter: DeadLetter;
}

export interface OriginalRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

type Recorded = Omit<Awaited<ReturnType<typeof openRecorded>>, 'topics'> & { readonly topics: TopicNames };

/** Runs `work` on an open log, and closes it. */
export async function withRecorded<T>(at: RecordedAt, work: (source: Recorded) => Promise<T>): Promise<T> {
  const source = await openRecorded(at);
  try {
    return await work({ ...source, topics: topicNames(at.mode === 'kafka' ? at.topicPrefix : undefined) });
  } finally {
    await source.log.close();
  }
}

/** In the order of the log, the newest `limit`. */
export async function readLetters(source: Recorded, limit: number): Promise<readonly FoundLetter[]> {
  const topic = source.topics.deadLetter;
  const [range] = await source.log.ranges(topic);
  if (range === undefined || range.next === range.low) return [];
  const found: FoundLetter[] = [];
  for await (const batch of source.log.read({ topic, partition: 0, from: Math.max(range.low, range.next - limit), until: range.next })) {
    for (const record of batch) found.push({ record, letter: await decodeLetter(source, record) });
  }
  return found;
}

/** @throws CliError notFound */
export async function readLetter(source: Recorded, offset: number): Promise<FoundLetter> {
  const topic = source.topics.deadLetter;
  const [range] = await source.log.ranges(topic);
  if (range !== undefined && offset >= range.low && offset < range.next) {
    for await (const [record] of source.log.read({ topic, partition: 0, from: offset, until: offset + 1 })) {
      if (record !== undefined) return { record, letter: await decodeLetter(source, record) };
    }
  }
  throw new CliError('notFound', `there is no dead letter at offset ${offset}`, 'See "blackboard dead-letter list".');
}

/** The whole record as it came: quarantine is kept as long, a dead letter may hold the beginning only. */
export async function readOriginal(source: Recorded, { letter }: FoundLetter): Promise<OriginalRecord> {
  const { quarantine } = source.topics;
  if (letter.originTopic !== quarantine) throw new CliError('refused', 'this dead letter does not come from the quarantine of this blackboard', 'Check the topic prefix.');
  for await (const [record] of source.log.read({ topic: quarantine, partition: letter.originPartition, from: letter.originOffset, until: letter.originOffset + 1 })) {
    if (record === undefined) continue;
    if (!record.value.subarray(0, letter.value.length).equals(letter.value)) throw new CliError('diverged', 'the record in quarantine is not the one that the dead letter was made of');
    return { key: record.key, value: record.value };
  }
  throw new CliError('notFound', `quarantine ${letter.originPartition}/${letter.originOffset} is not kept any more`);
}

async function decodeLetter({ codec, learn }: Recorded, record: LogRecord): Promise<DeadLetter> {
  let decoded = codec.decode(record.value);
  if (!decoded.ok && decoded.reason === 'unknown-schema-id' && learn !== undefined) {
    await learn(decoded.schemaId);
    decoded = codec.decode(record.value);
  }
  if (!decoded.ok || decoded.event.type !== 'DeadLetter') throw new CliError('failed', `the record at offset ${record.offset} of ${record.topic} is no dead letter (${decoded.ok ? decoded.event.type : decoded.reason})`, 'Only the orchestrator may write there: check the access lists.');
  return decoded.event;
}
