// I12: the audit table against the log, row by row and record by record, up to the projector's watermark. Independent
// of the projector: what a column must hold is written here once more, from the schema's words; what `detail` says
// must stand in the fact under the same name.

import type { Fact } from '../../schemas/generated/events.js';
import type { TopicName } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Database } from '../runtime/database.js';
import type { LogRecord } from '../runtime/log/port.js';
import { shownRecord, type Findings } from './findings.js';
import { columnsOf, isDetailOf, rowColumns, sameColumns, textSql } from './row-columns.js';

export interface RowsOptions {
  readonly db: Pick<Database, 'query'>;
  readonly codec: EventCodec;
  readonly topic: TopicName;
  readonly findings: Findings;
  /** The projector has nothing left to do. */
  readonly isAtRest: boolean;
}

interface Row extends Record<string, unknown> {
  readonly offset: number | string | bigint;
  readonly columns: string;
  readonly detail: string;
}

const pageRows = 5_000;

/** The rows of one partition, read in pages and shown one record after the other. */
export class RowReader {
  compared = 0;
  #page: readonly Row[] = [];
  #at = 0;
  /** Rows below this offset have been read, or are known not to be there. */
  #readUntil = 0;

  constructor(private readonly options: RowsOptions, readonly partition: number, readonly until: number) {}

  /** Whether a page must be loaded before the record at this offset is compared. Offsets must rise. */
  needs(offset: number): boolean {
    return offset < this.until && offset >= this.#readUntil;
  }

  async load(offset: number): Promise<void> {
    const { db, topic } = this.options;
    this.#page = await db.query<Row>(`SELECT "offset", ${textSql} AS columns, detail::text AS detail FROM audit_rows WHERE topic = $1 AND partition = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT ${pageRows}`, [topic, this.partition, offset]);
    this.#at = 0;
    const last = this.#page[this.#page.length - 1];
    this.#readUntil = last === undefined || this.#page.length < pageRows ? Infinity : Number(last.offset) + 1;
  }

  compare(record: LogRecord, fact: Fact, stale: boolean): void {
    if (record.offset >= this.until) return;
    const { findings, codec } = this.options;
    this.compared += 1;
    while (this.#at < this.#page.length && Number((this.#page[this.#at] as Row).offset) < record.offset) this.#at += 1;
    const row = this.#page[this.#at];
    if (row === undefined || Number(row.offset) !== record.offset) return findings.add('I12', 'a record has no row', [shownRecord(record, fact)]);
    const wanted = columnsOf(record, fact, { stale, digest: codec.digest(record.value) });
    const differs = row.columns === wanted ? null : sameColumns(row.columns, wanted);
    if (differs !== null) return findings.add('I12', `a row's ${rowColumns[differs] ?? 'columns'} is not what its record says`, [shownRecord(record, fact)]);
    if (!isDetailOf(JSON.parse(row.detail), fact)) findings.add('I12', "a row's detail is not what its record says", [shownRecord(record, fact)]);
  }
}

/** Where the projector is in a partition, and the rows beyond, at one moment. */
export interface Watermark {
  readonly until: number;
  readonly beyond: number;
  readonly firstBeyond: number;
}

/** To be read before the ends of the log: both may be growing. */
export async function readWatermarks({ db, topic }: Pick<RowsOptions, 'db' | 'topic'>): Promise<ReadonlyMap<number, Watermark>> {
  const rows = await db.query<Record<'partition' | 'until' | 'beyond' | 'first_beyond', number | string | null>>(
    `SELECT w.partition, w.next_offset AS until, b.beyond, b.first_beyond FROM watermarks w,
     LATERAL (SELECT count(*) AS beyond, min("offset") AS first_beyond FROM audit_rows r WHERE r.topic = w.topic AND r.partition = w.partition AND (r."offset" >= w.next_offset OR r."offset" < 0)) b WHERE w.topic = $1`, [topic]);
  return new Map(rows.map((row) => [Number(row.partition), { until: Number(row.until), beyond: Number(row.beyond), firstBeyond: Number(row.first_beyond) }]));
}

/** @param next the offset behind the last record of the partition. */
export function openRows(options: RowsOptions, partition: number, { until, beyond, firstBeyond }: Watermark, next: number): RowReader {
  const { findings, isAtRest } = options;
  if (until > next) findings.add('I12', `the watermark of partition ${partition} is ${until}, beyond the end of the log at ${next}`);
  if (isAtRest && until < next) findings.add('I12', `the watermark of partition ${partition} is ${until}: ${next - until} records of ${next} have no row, with nothing under way`);
  if (beyond > 0) findings.add('I12', `${beyond} rows stand beyond the watermark ${until} of partition ${partition}, the first at offset ${firstBeyond}`);
  return new RowReader(options, partition, Math.min(until, next));
}

/** Rows that no watermark speaks of. */
export async function checkStrayRows({ db, topic, findings }: Omit<RowsOptions, 'codec' | 'isAtRest'>, partitions: number): Promise<void> {
  const stray = await db.query<{ topic: string; partition: number; count: number | string }>(
    `SELECT r.topic, r.partition, count(*) AS count FROM audit_rows r LEFT JOIN watermarks w ON w.topic = r.topic AND w.partition = r.partition
     WHERE w.topic IS NULL OR (r.topic = $1 AND (r.partition < 0 OR r.partition >= $2)) GROUP BY r.topic, r.partition ORDER BY r.topic, r.partition LIMIT 10`, [topic, partitions]);
  for (const row of stray) findings.add('I12', `${Number(row.count)} rows are of ${row.topic} partition ${row.partition}, which the projector never read`);
}
