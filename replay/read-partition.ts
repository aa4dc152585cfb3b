// One partition of the record, in the order that counts: markers and checkpoints, decisions with the claim that each
// was taken on, and what is inert. Both topics are streamed side by side, so memory does not grow with the log.

import { createHash } from 'node:crypto';
import type { Fact } from '../schemas/generated/events.js';
import { messageClassOf } from '../schemas/generated/events.js';
import type { TopicName } from '../topics/topics.js';
import type { Decoded } from '../services/runtime/codec/event-codec.js';
import { learnSchemas } from '../services/runtime/codec/learn-schemas.js';
import { BlackboardError } from '../services/runtime/errors.js';
import { EpochFilter, noEpoch } from '../services/runtime/log/epoch-filter.js';
import type { LogRecord, PartitionRange } from '../services/runtime/log/port.js';
import { EpochsSeen } from './epochs-seen.js';
import type { RecordedBlackboard } from './readable-log.js';

export interface RecordedFact {
  readonly record: LogRecord;
  readonly fact: Fact;
  /** Fields that its writer knew, where that was another schema version than ours; else null. */
  readonly writerFields: readonly string[] | null;
}

export interface RecordedClaim {
  readonly record: LogRecord;
  readonly decoded: Decoded;
  readonly digest: Buffer;
  /** SHA-256 of the bytes as they are: what was recorded of a claim whose schema was not known at the time. */
  readonly rawDigest: Buffer;
}

export type Recorded =
  /** About the partition itself: a marker, a checkpoint, a policy; with the digest of the newest marker up to it. */
  | { readonly kind: 'bare'; readonly at: RecordedFact; readonly markerDigest: Buffer }
  /** Facts of one decision, in one run; `claim` is null where quarantine has no record at that offset. */
  | { readonly kind: 'decision'; readonly cause: number; readonly facts: readonly RecordedFact[]; readonly claim: RecordedClaim | null }
  /** Sent under an epoch that was over, or never came to be; `knownEpoch`: an owner's all the same. */
  | { readonly kind: 'inert'; readonly at: RecordedFact; readonly knownEpoch: boolean }
  | { readonly kind: 'unreadable'; readonly record: LogRecord; readonly reason: string };

export interface RecordedPartition {
  readonly partition: number;
  /** Records of quarantine and of verified. */
  readonly claims: number;
  readonly facts: number;
  readonly recorded: AsyncIterable<Recorded>;
}

/** @throws BlackboardError LOG_OUT_OF_RANGE when the beginning of the partition is not kept. */
export async function openPartition(source: RecordedBlackboard, partition: number): Promise<RecordedPartition> {
  const { log, topics } = source;
  // Verified first: every claim that its facts were decided on is then within quarantine's range.
  const verified = rangeOf(await log.ranges(topics.verified), topics.verified, partition);
  const quarantine = rangeOf(await log.ranges(topics.quarantine), topics.quarantine, partition);
  return { partition, claims: quarantine.next, facts: verified.next, recorded: decisions(source, verified, quarantine) };
}

function rangeOf(ranges: readonly PartitionRange[], topic: TopicName, partition: number): PartitionRange {
  const range = ranges.find((one) => one.partition === partition);
  if (range === undefined) throw new BlackboardError('NOT_FOUND', `${topic} has no partition ${partition}`, { topic, partition });
  if (range.low > 0) {
    throw new BlackboardError('LOG_OUT_OF_RANGE', `${topic} partition ${partition} begins at offset ${range.low}: decisions can only be taken again from the beginning; restore the older records from a copy`, { topic, partition, low: range.low });
  }
  return range;
}

async function* decisions(source: RecordedBlackboard, verified: PartitionRange, quarantine: PartitionRange): AsyncGenerator<Recorded> {
  const claims = new ClaimReader(source, quarantine);
  let open: RecordedFact[] = [];
  let markerDigest: Buffer = Buffer.alloc(0);
  const close = async (): Promise<Recorded> => {
    const facts = open;
    open = [];
    const { cause } = (facts[0] as RecordedFact).fact;
    return { kind: 'decision', cause, facts, claim: await claims.at(cause) };
  };
  for await (const one of readFacts(source, verified.partition, verified.next)) {
    const continues = one.kind === 'fact' && one.counts && one.at.fact.cause >= 0 && open[0]?.fact.cause === one.at.fact.cause;
    if (open.length > 0 && !continues) yield await close();
    if (one.kind === 'unreadable') yield one;
    else if (!one.counts) yield { kind: 'inert', at: one.at, knownEpoch: one.knownEpoch };
    else if (one.at.fact.cause < 0) {
      if (one.at.fact.type === 'EpochStarted') markerDigest = source.codec.digest(one.at.record.value);
      yield { kind: 'bare', at: one.at, markerDigest };
    }
    else open.push(one.at);
  }
  if (open.length > 0) yield await close();
}

export type ReadFact =
  | { readonly kind: 'fact'; readonly at: RecordedFact; readonly counts: boolean; readonly knownEpoch: boolean }
  | { readonly kind: 'unreadable'; readonly record: LogRecord; readonly reason: string };

/** The facts of a partition below an offset, each with whether it counts (R3). */
export async function* readFacts(source: RecordedBlackboard, partition: number, until: number): AsyncGenerator<ReadFact> {
  const { log, topics } = source;
  const filter = new EpochFilter(noEpoch);
  const epochs = new EpochsSeen(source.codec);
  for await (const records of log.read({ topic: topics.verified, partition, from: 0, until })) {
    for (const record of records) {
      const decoded = await decodeLearning(source, record);
      if (!decoded.ok || messageClassOf[decoded.event.type] !== 'fact') {
        yield { kind: 'unreadable', record, reason: decoded.ok ? 'not-a-fact' : decoded.reason };
        continue;
      }
      const fact = decoded.event as Fact;
      if (fact.type === 'EpochStarted') epochs.began(record);
      const counts = filter.counts(record.offset, fact.type, fact.epoch);
      yield { kind: 'fact', at: recordedFact(record, decoded), counts, knownEpoch: counts || epochs.knows(record, fact) };
    }
  }
}

/** A decoded fact at its place. */
export function recordedFact(record: LogRecord, { event, schema }: Decoded & { readonly ok: true }): RecordedFact {
  return { record, fact: event as Fact, writerFields: schema.resolver === null ? null : fieldsOf(schema.writer) };
}

/** Claims by offset; each read goes on where the last one ended, and only a jump begins again. */
class ClaimReader {
  #stream: AsyncIterator<readonly LogRecord[]> | null = null;
  #batch: readonly LogRecord[] = [];
  #index = 0;

  constructor(private readonly source: RecordedBlackboard, private readonly range: PartitionRange) {}

  async at(offset: number): Promise<RecordedClaim | null> {
    if (offset < this.range.low || offset >= this.range.next) return null;
    if (this.#batch[this.#index]?.offset !== offset) {
      const next = this.#stream === null || this.#index < this.#batch.length ? null : await this.#stream.next();
      if (next?.done === false && next.value[0]?.offset === offset) this.#batch = next.value;
      else this.#batch = await this.#begin(offset);
      this.#index = 0;
    }
    const record = this.#batch[this.#index];
    if (record === undefined || record.offset !== offset) return null;
    this.#index += 1;
    const decoded = await decodeLearning(this.source, record);
    return { record, decoded, digest: this.source.codec.digest(record.value), get rawDigest() { return createHash('sha256').update(record.value).digest(); } };
  }

  async #begin(offset: number): Promise<readonly LogRecord[]> {
    await this.#stream?.return?.();
    this.#stream = this.source.log.read({ topic: this.source.topics.quarantine, partition: this.range.partition, from: offset, until: this.range.next })[Symbol.asyncIterator]();
    const first = await this.#stream.next();
    return first.done === true ? [] : first.value;
  }
}

async function decodeLearning({ codec, learn }: RecordedBlackboard, record: LogRecord): Promise<Decoded> {
  const decoded = codec.decode(record.value);
  if (decoded.ok || decoded.reason !== 'unknown-schema-id' || learn === undefined) return decoded;
  await learnSchemas([record.value], codec, learn);
  return codec.decode(record.value);
}

function fieldsOf(writer: unknown): readonly string[] {
  return ((writer as { readonly fields?: readonly { readonly name: string }[] }).fields ?? []).map((field) => field.name);
}
