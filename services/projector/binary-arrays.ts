// Columns as Postgres arrays in their binary form: half the work of text on this side and on the server's, and
// nothing to escape. The layout (one dimension): dimensions, has nulls, element type, length, lower bound; then each
// element as its length (-1: null) and bytes.

export type ColumnType = 'text' | 'integer' | 'bigint' | 'double precision' | 'boolean' | 'timestamptz' | 'bytea' | 'jsonb';
export type ColumnValue = string | number | boolean | Buffer | null;

const elementIds: Readonly<Record<ColumnType, number>> = { boolean: 16, bytea: 17, bigint: 20, integer: 23, text: 25, 'double precision': 701, timestamptz: 1184, jsonb: 3802 };

// What Postgres and JavaScript both can say; a fact may carry any 64-bit number as a time.
const timeMsMax = 253_402_300_799_999;
// Postgres counts microseconds from the year 2000.
const postgresEpochMs = 946_684_800_000;

/** Letters up to which a text is written one by one. */
const shortMax = 40;

// Eleven fixed bytes, then no flags and no extension.
const copySignature = Buffer.concat([Buffer.from('PGCOPY\n\xFF\r\n\0', 'latin1'), Buffer.alloc(8)]);

/** An array of values of one type. Bytes may be given as hex digits. */
export function binaryArray(type: ColumnType, values: readonly ColumnValue[]): Buffer {
  const writer = new Writer(20 + values.length * (type === 'text' || type === 'jsonb' ? 40 : 12));
  for (const word of [1, 1, elementIds[type], values.length, 1]) writer.int32(word);
  for (const value of values) {
    if (value === null) writer.int32(-1);
    else writeElement(writer, type, value);
  }
  return writer.bytes();
}

/** Rows as `COPY … (FORMAT binary)` reads them: a signature, each row with its number of columns, an end. */
export function binaryCopy<Row>(columns: readonly { readonly type: ColumnType; readonly of: (row: Row) => ColumnValue }[], rows: readonly Row[]): Buffer {
  const writer = new Writer(32 + rows.length * 1_200);
  writer.blobBytes(copySignature);
  for (const row of rows) {
    writer.int16(columns.length);
    for (const { type, of } of columns) {
      const value = of(row);
      if (value === null) writer.int32(-1);
      else writeElement(writer, type, value);
    }
  }
  writer.int16(-1);
  return writer.bytes();
}

function writeElement(writer: Writer, type: ColumnType, value: Exclude<ColumnValue, null>): void {
  switch (type) {
    case 'text': return writer.text(value as string, false);
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
      return writer.microseconds(Math.max(0, Math.min(value as number, timeMsMax)) - postgresEpochMs);
  }
}

class Writer {
  #buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  int32(value: number): void {
    this.#reserve(4);
    this.#put32(value);
  }

  int16(value: number): void {
    this.#reserve(2);
    this.#at = this.#buffer.writeInt16BE(value, this.#at);
  }

  /** Two halves: a whole number below 2^53 needs no BigInt. */
  int64(value: number): void {
    this.#reserve(8);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#put32(high);
    this.#put32(value - high * 0x1_0000_0000);
  }

  microseconds(ms: number): void {
    if (Number.isSafeInteger(ms * 1000)) return this.int64(ms * 1000);
    this.#reserve(8);
    this.#at = this.#buffer.writeBigInt64BE(BigInt(ms) * 1000n, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeDoubleBE(value, this.#at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  /** `isJson`: with the version that the binary form of jsonb begins with. */
  text(value: string, isJson: boolean): void {
    this.#reserve(5 + value.length * 3);
    const start = this.#at + 4;
    if (isJson) this.#buffer[start] = 1;
    const body = isJson ? start + 1 : start;
    const end = body + (value.length <= shortMax ? this.#writeShort(value, body) : this.#buffer.write(value, body, 'utf8'));
    this.#buffer.writeInt32BE(end - start, this.#at);
    this.#at = end;
  }

  /** Bytes given as hex digits. */
  hex(digits: string): void {
    const size = digits.length / 2;
    this.int32(size);
    this.#reserve(size);
    this.#at += this.#buffer.write(digits, this.#at, 'hex');
  }

  blob(value: Buffer): void {
    this.int32(value.length);
    this.blobBytes(value);
  }

  blobBytes(value: Buffer): void {
    this.#reserve(value.length);
    this.#at += value.copy(this.#buffer, this.#at);
  }

  #put32(value: number): void {
    const buffer = this.#buffer;
    buffer[this.#at++] = value >>> 24;
    buffer[this.#at++] = value >>> 16;
    buffer[this.#at++] = value >>> 8;
    buffer[this.#at++] = value;
  }

  /** Answers the bytes written. A call into native code costs more than the letters of a short text. */
  #writeShort(value: string, at: number): number {
    const buffer = this.#buffer;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) return buffer.write(value, at, 'utf8');
      buffer[at + index] = code;
    }
    return value.length;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + size));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
