// One pass over a partition: claims and facts side by side, each decoded once and shown to every checker. Nothing is
// awaited per record.

import type { Fact } from '../../schemas/generated/events.js';
import { messageClassOf } from '../../schemas/generated/events.js';
import type { TopicNames } from '../../topics/topics.js';
import type { Decoded, EventCodec } from '../runtime/codec/event-codec.js';
import { learnSchemas, type Learn } from '../runtime/codec/learn-schemas.js';
import type { LogPort, LogRecord, PartitionRange } from '../runtime/log/port.js';
import type { PartitionAudit } from './audit-partition.js';
import type { RowReader } from './check-rows.js';
import type { BookedClaim } from './claim-book.js';
import { shownRecord, type Findings } from './findings.js';

/** Takes the decisions of one partition again, in its own way, from what the pass has decoded. */
export interface PartitionOpinion {
  /** `claim`: the one that caused the fact, undefined where it is not there or was decided before. */
  add(record: LogRecord, decoded: Decoded & { readonly ok: true }, claim: BookedClaim | undefined): void;
  /** Whether anything differs; then `SecondOpinion.explain` says what. */
  finish(): { readonly decisions: number; readonly differs: boolean };
}

export interface StreamOptions {
  readonly log: Pick<LogPort, 'read'>;
  readonly topics: Pick<TopicNames, 'quarantine' | 'verified'>;
  readonly codec: EventCodec;
  readonly learn?: Learn;
  readonly ranges: { readonly verified: PartitionRange; readonly quarantine: PartitionRange };
  readonly audit: PartitionAudit;
  readonly opinion: PartitionOpinion | null;
  readonly rows: RowReader | null;
  readonly findings: Findings;
}

export async function streamPartition(options: StreamOptions): Promise<void> {
  const { log, topics, codec, ranges, audit, opinion, rows, findings } = options;
  const { partition } = ranges.verified;
  const claims = new ClaimStream(log.read({ topic: topics.quarantine, partition, from: 0, until: ranges.quarantine.next }), options);
  for await (const batch of log.read({ topic: topics.verified, partition, from: 0, until: ranges.verified.next })) {
    await learnSchemas(batch.map(({ value }) => value), codec, options.learn);
    for (const record of batch) {
      if (rows !== null && rows.needs(record.offset)) await rows.load(record.offset);
      const decoded = codec.decode(record.value);
      if (!decoded.ok || messageClassOf[decoded.event.type] !== 'fact') {
        findings.add('I15', `a record of verified is no fact (${decoded.ok ? decoded.event.type : decoded.reason})`, [shownRecord(record)]);
        continue;
      }
      const fact = decoded.event as Fact;
      if (fact.cause >= audit.claims.next && !claims.add(fact.cause)) await claims.load(fact.cause);
      const counts = audit.addFact(record, fact);
      rows?.compare(record, fact, !counts);
      opinion?.add(record, decoded, audit.claims.at(fact.cause));
    }
  }
  await claims.load(Infinity);
}

/** Claims, added to the audit as far as they are needed. */
class ClaimStream {
  readonly #batches: AsyncIterator<readonly LogRecord[]>;
  #batch: readonly LogRecord[] = [];
  #at = 0;
  #isOver = false;

  constructor(batches: AsyncIterable<readonly LogRecord[]>, private readonly options: Pick<StreamOptions, 'audit' | 'codec' | 'learn'>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** Adds the claims up to an offset; false when more must be read first. */
  add(until: number): boolean {
    const { audit } = this.options;
    while (this.#at < this.#batch.length && audit.claims.next <= until) audit.addClaim(this.#batch[this.#at++] as LogRecord);
    return audit.claims.next > until || this.#isOver;
  }

  async load(until: number): Promise<void> {
    while (!this.add(until)) {
      const { value, done } = await this.#batches.next();
      this.#isOver = done === true;
      this.#batch = this.#isOver ? [] : (value as readonly LogRecord[]);
      this.#at = 0;
      await learnSchemas(this.#batch.map(({ value: bytes }) => bytes), this.options.codec, this.options.learn);
    }
  }
}
