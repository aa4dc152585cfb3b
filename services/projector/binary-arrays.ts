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
export function writeCopy<Row>(writer: BinaryWriter, columns: readonly ColumnOf<Row>[], rows: readonly Row[]): Buffer {
  const start = writer.length;
  writer.bytes(copySignature);
  for (const row of rows) {
    writer.int16(columns.length);
    for (const { type, of } of columns) writeElement(writer, type, of(row));
  }
  writer.int16(-1);
  return writer.since(start);
}

function writeElement(writer: BinaryWriter, type: ColumnType, value: ColumnValue): void {
  if (value === null) return writer.int32(-1);
  switch (type) {
    case 'text': return writer.text(value as string);
    case 'jsonb': return writer.text(value as string, true);
    case 'bytea': return typeof value === 'string' ? writer.hex(value) : writer.blob(value as Buffer);
    case 'integer':
      writer.int32(4);
      return writer.int32(value as number);
    case 'bigint':
      writer.int32(8);
      return writer.int64(value as number);
    case 'double precision':
      writer.int32(8);
      return writer.double(value as number);
    case 'boolean':
      writer.int32(1);
      return writer.byte(value === true ? 1 : 0);
    case 'timestamptz':
      writer.int32(8);
      return writer.time(value as number);
  }
}
