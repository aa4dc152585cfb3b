// Readers of Avro records, compiled per schema: the same values as avsc's in about half of the time. Short ASCII texts
// that were read lately are handed out again, since an envelope says the same again and again, instead of being made
// by a call out of JavaScript. What is read keeps all that the bounds check asks for (avro-bounds.ts), and lengths and
// counts are held against the bytes that are left before anything is built. Anything else is answered with undefined:
// the bounds check and avsc then say what it is.

import { isUtf8 } from 'node:buffer';
import type avsc from 'avsc';
import { depthMax, longMax, type AvroShape } from './avro-shape.js';

/** Reads the value that takes all bytes from `start`; undefined when they are no such value. */
export type AvroRead = (bytes: Buffer, start: number) => unknown;

/** Longer texts are not remembered. */
const rememberedLengthMax = 40;
/** A power of two: texts are kept by place, the newest wins. About 64 KiB at most. */
const rememberedCount = 1024;
const remembered = new Array<string>(rememberedCount).fill('');
const noBytes = Buffer.alloc(0);

class NotRead extends Error {}
const notRead = new NotRead();

/** Where the reader stands: reading is never interrupted, so one place does for all. */
let at = 0;

const parts = {
  text(bytes: Buffer): string {
    const length = varint(bytes);
    if (length === 0) return '';
    const start = at;
    const end = start + length;
    if (length < 0 || end > bytes.length) throw notRead;
    at = end;
    if (length > rememberedLengthMax) return utf8(bytes, start, end);
    const place = (length * 67 + (bytes[start] as number) * 7 + (bytes[start + (length >> 1)] as number) * 31 + (bytes[end - 1] as number) * 131) & (rememberedCount - 1);
    const known = remembered[place] as string;
    if (known.length === length) {
      let index = 0;
      while (index < length && known.charCodeAt(index) === bytes[start + index]) index += 1;
      if (index === length) return known;
    }
    if (!isAscii(bytes, start, end)) return utf8(bytes, start, end);
    return remembered[place] = bytes.toString('latin1', start, end);
  },
  int(bytes: Buffer): number {
    const start = at;
    const value = varint(bytes);
    if (at - start > 5 || value !== (value | 0)) throw notRead;
    return value;
  },
  long(bytes: Buffer): number {
    const value = varint(bytes);
    if (value > longMax || value < -longMax) throw notRead;
    return value;
  },
  boolean(bytes: Buffer): boolean {
    const byte = bytes[at++] as number;
    if (byte > 1) throw notRead;
    return byte === 1;
  },
  double(bytes: Buffer): number {
    const start = at;
    at += 8;
    if (at > bytes.length) throw notRead;
    return bytes.readDoubleLE(start);
  },
  octets(bytes: Buffer): Buffer {
    const length = varint(bytes);
    const start = at;
    at += length;
    if (length < 0 || at > bytes.length) throw notRead;
    if (length === 0) return noBytes;
    const own = Buffer.allocUnsafe(length);
    bytes.copy(own, 0, start, at);
    return own;
  },
  /** Items of the next block; 0 behind the last. */
  count(bytes: Buffer): number {
    const count = varint(bytes);
    if (count < 0) varint(bytes);
    if (Math.abs(count) > bytes.length - at) throw notRead;
    return Math.abs(count);
  },
};

/** Null: the type has parts of other kinds. */
export function compileReader(type: avsc.Type): AvroRead | null {
  const constructors: unknown[] = [];
  const functions: string[] = [];
  const expression = read(type as AvroShape, constructors, functions, 0);
  if (expression === null) return null;
  const body = `"use strict"; const { text, int, long, boolean, double, octets, count } = parts; ${functions.join('\n')} return function read(bytes) { return ${expression}; };`;
  const names = constructors.map((_, index) => `Record${index}`);
  const compiled = (new Function('parts', ...names, body) as (...known: unknown[]) => (bytes: Buffer) => unknown)(parts, ...constructors);
  return (bytes, start) => {
    at = start;
    try {
      const value = compiled(bytes);
      return at === bytes.length ? value : undefined;
    } catch {
      return undefined;
    }
  };
}

function read(type: AvroShape, constructors: unknown[], functions: string[], depth: number): string | null {
  if (depth > depthMax) return null;
  switch (type.typeName) {
    case 'string': return 'text(bytes)';
    case 'int': case 'long': case 'boolean': case 'double': return `${type.typeName}(bytes)`;
    case 'bytes': return 'octets(bytes)';
    case 'record': {
      const fields = (type.fields ?? []).map((field) => read(field.type as AvroShape, constructors, functions, depth + 1));
      // Records without fields take no bytes: nothing would bound their number.
      if (fields.length === 0 || fields.includes(null)) return null;
      constructors.push(type.recordConstructor);
      return `new Record${constructors.length - 1}(${fields.join(', ')})`;
    }
    case 'array': {
      const item = read(type.itemsType as AvroShape, constructors, functions, depth + 1);
      if (item === null) return null;
      const name = `items${functions.length}`;
      functions.push(`function ${name}(bytes) { const all = []; for (;;) { let left = count(bytes); if (left === 0) return all; for (; left > 0; left -= 1) all.push(${item}); } }`);
      return `${name}(bytes)`;
    }
    default: return null;
  }
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) if ((bytes[index] as number) > 0x7f) return false;
  return true;
}

function utf8(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  // What stands for bytes that are no UTF-8 may also have been meant.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) throw notRead;
  return text;
}

function varint(bytes: Buffer): number {
  let byte = bytes[at++] as number;
  if (byte < 0x80) return (byte >> 1) ^ -(byte & 1);
  const isNegative = (byte & 1) === 1;
  let value = byte & 0x7f;
  let scale = 128;
  do {
    // Ten bytes at most, and none behind the end.
    if (at >= bytes.length || scale > 2 ** 63) throw notRead;
    byte = bytes[at++] as number;
    value += (byte & 0x7f) * scale;
    scale *= 128;
  } while (byte > 0x7f);
  // An odd number beyond 2^53 is rounded to an even one, which would be a positive one.
  if (isNegative && value > Number.MAX_SAFE_INTEGER) throw notRead;
  return isNegative ? -(value + 1) / 2 : value / 2;
}
