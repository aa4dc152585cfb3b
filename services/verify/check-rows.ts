// I12: the audit table against the log, row by row and record by record, up to the projector's watermark. Independent
// of the projector: it knows the table's columns and nothing of how they are filled.

import type { EventType } from '../../schemas/generated/events.js';
import type { TopicName } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Database } from '../runtime/database.js';
import type { LogPort } from '../runtime/log/port.js';
import { shownRecord, type Findings } from './findings.js';

export interface RowsOptions {
  readonly log: Pick<LogPort, 'read'>;
  readonly db: Pick<Database, 'query'>;
  readonly codec: EventCodec;
  readonly topic: TopicName;
  readonly findings: Findings;
}

interface Row extends Record<string, unknown> {
  readonly offset: number | string | bigint;
  readonly stale: boolean;
  readonly event_type: string;
  readonly digest: Uint8Array;
}

const pageRows = 5_000;

/** Answers the rows that were compared. */
export async function checkRows(options: RowsOptions, partition: number): Promise<number> {
  const { log, db, codec, topic, findings } = options;
  const until = await watermark(options, partition);
  const rows = new RowReader(db, topic, partition);
  let epoch = -1;
  let compared = 0;
  for await (const batch of log.read({ topic, partition, from: 0, until })) {
    for (const record of batch) {
      const peeked = codec.peek(record.value);
      const type: EventType | '' = peeked?.type ?? '';
      if (type === 'EpochStarted') epoch = record.offset;
      const stale = type !== 'EpochStarted' && peeked?.epoch !== epoch;
      const row = rows.next(record.offset) ?? (await rows.load(record.offset));
      compared += 1;
      if (row === null) findings.add('I12', 'a record has no row', [shownRecord(record, { type })]);
      else if (row.stale !== stale || row.event_type !== type || !Buffer.from(row.digest).equals(codec.digest(record.value))) {
        findings.add('I12', `a row says ${row.event_type.slice(0, 40)}${row.stale ? ', stale' : ''} with another digest, type or mark than its record`, [shownRecord(record, { type })]);
      }
    }
  }
  const [beyond] = await db.query<{ count: number | string }>('SELECT count(*) AS count FROM audit_rows WHERE topic = $1 AND partition = $2 AND ("offset" >= $3 OR "offset" < 0)', [topic, partition, until]);
  if (Number(beyond?.count ?? 0) > 0) findings.add('I12', `${Number(beyond?.count)} rows stand beyond the watermark ${until} of partition ${partition}`);
  return compared;
}

async function watermark({ db, topic, findings, log }: RowsOptions, partition: number): Promise<number> {
  const [row] = await db.query<{ next_offset: number | string }>('SELECT next_offset FROM watermarks WHERE topic = $1 AND partition = $2', [topic, partition]);
  const until = Number(row?.next_offset ?? 0);
  if (until === 0) return 0;
  // Reading the record before it tells whether the log reaches so far.
  for await (const batch of log.read({ topic, partition, from: until - 1, until })) if (batch.length > 0) return until;
  findings.add('I12', `the watermark of partition ${partition} is ${until}, beyond the end of the log`);
  return 0;
}

class RowReader {
  #page: readonly Row[] = [];
  #at = 0;

  constructor(private readonly db: Pick<Database, 'query'>, private readonly topic: TopicName, private readonly partition: number) {}

  /** The row at an offset when it is in the page that was read; offsets must rise. */
  next(offset: number): Row | null {
    while (this.#at < this.#page.length && Number((this.#page[this.#at] as Row).offset) < offset) this.#at += 1;
    const row = this.#page[this.#at];
    return row !== undefined && Number(row.offset) === offset ? row : null;
  }

  async load(offset: number): Promise<Row | null> {
    // A page that goes beyond the offset has shown already that there is none.
    if (this.#at < this.#page.length) return null;
    this.#page = await this.db.query<Row>('SELECT "offset", stale, event_type, digest FROM audit_rows WHERE topic = $1 AND partition = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT $4', [this.topic, this.partition, offset, pageRows]);
    this.#at = 0;
    return this.next(offset);
  }
}
