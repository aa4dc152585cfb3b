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

  int32(value: number): void {
    this.#reserve(4);
    this.#put32(value);
  }

  int16(value: number): void {
    this.#reserve(2);
    this.#buffer[this.#at++] = value >>> 8;
    this.#buffer[this.#at++] = value;
  }

  /** Two halves: a whole number below 2^53 needs no BigInt. */
  int64(value: number): void {
    this.#reserve(8);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#put32(high);
    this.#put32(value - high * 0x1_0000_0000);
  }

  /** Milliseconds since 1970 as a timestamptz. */
  time(ms: number): void {
    const since = Math.max(0, Math.min(ms, timeMsMax)) - postgresEpochMs;
    if (Number.isSafeInteger(since * 1000)) return this.int64(since * 1000);
    this.#reserve(8);
    this.#at = this.#buffer.writeBigInt64BE(BigInt(since) * 1000n, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeDoubleBE(value, this.#at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  /** With its length before it. `isJson`: also with the version that the binary form of jsonb begins with. */
  text(value: string, isJson = false): void {
    this.#reserve(5 + value.length * 3);
    const start = this.#at + 4;
    if (isJson) this.#buffer[start] = 1;
    const body = isJson ? start + 1 : start;
    const end = body + (value.length <= shortMax ? this.#writeShort(value, body) : this.#buffer.write(value, body, 'utf8'));
    this.#put32(end - start);
    this.#at = end;
  }

  /** Bytes given as hex digits, with their length before them. */
  hex(digits: string): void {
    const size = digits.length / 2;
    this.int32(size);
    this.#reserve(size);
    this.#at += this.#buffer.write(digits, this.#at, 'hex');
  }

  /** With its length before it. */
  blob(value: Buffer): void {
    this.int32(value.length);
    this.bytes(value);
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

  /** Answers the bytes written. */
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
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + size));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
