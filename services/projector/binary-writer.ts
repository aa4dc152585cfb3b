// Bytes of Postgres' binary forms, written one behind the other into memory that is used again: what a transaction
// takes is made once, not once per column. A view stays as it was written until `clear`.

// What Postgres and JavaScript both can say; a fact may carry any 64-bit number as a time.
const timeMsMax = 253_402_300_799_999;
// Postgres counts microseconds from the year 2000.
const postgresEpochMs = 946_684_800_000;

/** Letters up to which a text is written one by one: a call into native code costs more than that. */
const shortMax = 64;

export class BinaryWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(size = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(size);
  }

  /** Bytes written since the last `clear`. */
  get length(): number {
    return this.#at;
  }

  /** Memory that it holds. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Begins anew: views that were handed out lose their bytes. */
  clear(): void {
    this.#at = 0;
  }

  /** What was written from `start` on. */
  since(start: number): Buffer {
    return this.#buffer.subarray(start, this.#at);
  }

  int16(value: number): void {
    this.#reserve(2);
    this.#buffer[this.#at++] = value >>> 8;
    this.#buffer[this.#at++] = value;
  }

  int32(value: number): void {
    this.#reserve(4);
    this.#put32(value);
  }

  // Elements of a row or an array: each its length, -1 for null, and its bytes.

  integer(value: number | null): void {
    this.#reserve(8);
    if (value === null) return this.#put32(-1);
    this.#put32(4);
    this.#put32(value);
  }

  /** A whole number below 2^53. */
  bigint(value: number | null): void {
    this.#reserve(12);
    if (value === null) return this.#put32(-1);
    this.#put32(8);
    this.#put64(value);
  }

  /** Milliseconds since 1970. */
  timestamptz(ms: number | null): void {
    this.#reserve(12);
    if (ms === null) return this.#put32(-1);
    this.#put32(8);
    const since = Math.max(0, Math.min(ms, timeMsMax)) - postgresEpochMs;
    if (Number.isSafeInteger(since * 1000)) this.#put64(since * 1000);
    else this.#at = this.#buffer.writeBigInt64BE(BigInt(since) * 1000n, this.#at);
  }

  double(value: number | null): void {
    this.#reserve(12);
    if (value === null) return this.#put32(-1);
    this.#put32(8);
    this.#at = this.#buffer.writeDoubleBE(value, this.#at);
  }

  boolean(value: boolean | null): void {
    this.#reserve(5);
    if (value === null) return this.#put32(-1);
    this.#put32(1);
    this.#buffer[this.#at++] = value ? 1 : 0;
  }

  text(value: string | null): void {
    if (value === null) return this.int32(-1);
    this.#reserve(4 + value.length * 3);
    this.#putText(value, this.#at + 4);
  }

  jsonb(value: string | null): void {
    if (value === null) return this.int32(-1);
    this.#reserve(5 + value.length * 3);
    // The version that the binary form of jsonb begins with.
    this.#buffer[this.#at + 4] = 1;
    this.#putText(value, this.#at + 5);
  }

  /** Bytes may be given as hex digits. */
  bytea(value: Buffer | string | null): void {
    if (value === null) return this.int32(-1);
    const size = typeof value === 'string' ? value.length / 2 : value.length;
    this.#reserve(4 + size);
    this.#put32(size);
    this.#at += typeof value === 'string' ? this.#buffer.write(value, this.#at, 'hex') : value.copy(this.#buffer, this.#at);
  }

  bytes(value: Buffer): void {
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

  /** Two halves: a whole number below 2^53 needs no BigInt. */
  #put64(value: number): void {
    const high = Math.floor(value / 0x1_0000_0000);
    this.#put32(high);
    this.#put32(value - high * 0x1_0000_0000);
  }

  /** The text from `body` on, and the length of all behind the length before it. */
  #putText(value: string, body: number): void {
    const buffer = this.#buffer;
    const { length } = value;
    let end = body + length;
    if (length > shortMax) end = body + buffer.write(value, body, 'utf8');
    else {
      for (let index = 0; index < length; index += 1) {
        const code = value.charCodeAt(index);
        if (code >= 0x80) {
          end = body + buffer.write(value, body, 'utf8');
          break;
        }
        buffer[body + index] = code;
      }
    }
    this.#put32(end - this.#at - 4);
    this.#at = end;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + size));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
