// Columns as Postgres arrays and rows for COPY, in their binary forms: half the work of text on this side and on the
// server's, and nothing to escape. The layout (one dimension): dimensions, has nulls, element type, length, lower bound; then each
// element as its length (-1: null) and bytes.

import type { BinaryWriter } from './binary-writer.js';

export type ColumnType = 'text' | 'integer' | 'bigint' | 'double precision' | 'boolean' | 'timestamptz' | 'bytea' | 'jsonb';
export type ColumnValue = string | number | boolean | Buffer | null;

/** A column and how a row fills it. */
export interface ColumnOf<Row> {
  readonly type: ColumnType;
  readonly of: (row: Row) => ColumnValue;
}

const elementIds: Readonly<Record<ColumnType, number>> = { boolean: 16, bytea: 17, bigint: 20, integer: 23, text: 25, 'double precision': 701, timestamptz: 1184, jsonb: 3802 };

// Eleven fixed bytes, then no flags and no extension.
const copySignature = Buffer.concat([Buffer.from('PGCOPY\n\xFF\r\n\0', 'latin1'), Buffer.alloc(8)]);

/** An array of the values that a column has in rows. Bytes may be given as hex digits. */
export function writeArray<Row>(writer: BinaryWriter, { type, of }: ColumnOf<Row>, rows: readonly Row[]): Buffer {
  const start = writer.length;
  for (const word of [1, 1, elementIds[type], rows.length, 1]) writer.int32(word);
  for (const row of rows) writeElement(writer, type, of(row));
  return writer.since(start);
}

/** Rows as `COPY … (FORMAT binary)` reads them: a signature, each row with its number of columns, an end. */
export function writeCopy<Row>(writer: BinaryWriter, rows: readonly Row[], write: (writer: BinaryWriter, row: Row) => void): Buffer {
  const start = writer.length;
  writer.bytes(copySignature);
  for (const row of rows) write(writer, row);
  writer.int16(-1);
  return writer.since(start);
}

/** One row of a COPY. */
export function writeRow<Row>(writer: BinaryWriter, columns: readonly ColumnOf<Row>[], row: Row): void {
  writer.int16(columns.length);
  for (const { type, of } of columns) writeElement(writer, type, of(row));
}

function writeElement(writer: BinaryWriter, type: ColumnType, value: ColumnValue): void {
  switch (type) {
    case 'text': return writer.text(value as string | null);
    case 'jsonb': return writer.jsonb(value as string | null);
    case 'bytea': return writer.bytea(value as Buffer | string | null);
    case 'integer': return writer.integer(value as number | null);
    case 'bigint': return writer.bigint(value as number | null);
    case 'double precision': return writer.double(value as number | null);
    case 'boolean': return writer.boolean(value as boolean | null);
    case 'timestamptz': return writer.timestamptz(value as number | null);
  }
}
