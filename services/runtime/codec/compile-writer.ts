// Writers of Avro records, compiled per schema: the same bytes as avsc's in a third of the time, which goes into its
// strings (three calls and an object's member for each). Valid values of the kinds that our events have are written;
// anything else, or a buffer that ends, is answered with -1, and avsc then says what is wrong. So no error is ours.

import avsc from 'avsc';
import { depthMax, longMax, type AvroShape } from './avro-shape.js';

/** Writes a value from `start`; returns the position behind it, or -1: nothing is known, have avsc write it. */
export type AvroWrite = (bytes: Buffer, start: number, value: unknown) => number;

/** Up to here a loop is faster than a call out of JavaScript. */
const loopMax = 40;
/** avsc writes longer texts through the platform, shorter ones by a loop of its own: lone surrogates come out differently. */
const ownLoopBytesMax = 64;

const plainText = avsc.Type.forSchema('string');

class NotWritten extends Error {}
const notWritten = new NotWritten();

const parts = {
  text(bytes: Buffer, start: number, value: unknown): number {
    if (typeof value !== 'string') throw notWritten;
    const { length } = value;
    if (length > loopMax) return longText(bytes, start, value);
    let at = start;
    bytes[at++] = length * 2;
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return anyText(bytes, start, value);
      bytes[at++] = code;
    }
    return at;
  },
  int(bytes: Buffer, at: number, value: unknown): number {
    if (value !== ((value as number) | 0)) throw notWritten;
    return varint(bytes, at, value as number);
  },
  long(bytes: Buffer, at: number, value: unknown): number {
    if (typeof value !== 'number' || !Number.isInteger(value) || value > longMax || value < -longMax) throw notWritten;
    return varint(bytes, at, value);
  },
  boolean(bytes: Buffer, at: number, value: unknown): number {
    if (typeof value !== 'boolean') throw notWritten;
    bytes[at] = value ? 1 : 0;
    return at + 1;
  },
  double(bytes: Buffer, at: number, value: unknown): number {
    if (typeof value !== 'number' || at + 8 > bytes.length) throw notWritten;
    return bytes.writeDoubleLE(value, at);
  },
  bytes(bytes: Buffer, start: number, value: unknown): number {
    if (!Buffer.isBuffer(value)) throw notWritten;
    const at = varint(bytes, start, value.length);
    if (at + value.length > bytes.length) throw notWritten;
    bytes.set(value, at);
    return at + value.length;
  },
  /** The count of an array that is not empty, in one block. */
  count(bytes: Buffer, at: number, value: unknown): number {
    if (!Array.isArray(value)) throw notWritten;
    return value.length === 0 ? at : varint(bytes, at, value.length);
  },
};

/** Null: the type has parts of other kinds. `fixed`: bytes that take the place of what a value has in a field of the record. */
export function compileWriter(type: avsc.Type, fixed: Readonly<Record<string, Buffer>> = {}): AvroWrite | null {
  const lines: string[] = [];
  if (!write(type as AvroShape, 'value', lines, 0, Object.keys(fixed))) return null;
  // The names of fields are the only foreign text, and Avro's names are identifiers.
  const body = `"use strict"; return function write(bytes, start, value) { let at = start; ${lines.join('\n')} return at; };`;
  const compiled = (new Function('parts', 'fixed', `const { text, int, long, boolean, double, bytes: octets, count } = parts; ${body}`) as (known: typeof parts, fixed: Readonly<Record<string, Buffer>>) => AvroWrite)(parts, fixed);
  return (bytes, start, value) => {
    try {
      const end = compiled(bytes, start, value);
      // Stores behind the end of a buffer are lost without a word.
      return end <= bytes.length ? end : -1;
    } catch {
      return -1;
    }
  };
}

function write(type: AvroShape, value: string, lines: string[], depth: number, fixed: readonly string[] = []): boolean {
  if (depth > depthMax) return false;
  switch (type.typeName) {
    case 'string': lines.push(`at = text(bytes, at, ${value});`); return true;
    case 'int': case 'long': case 'boolean': case 'double': lines.push(`at = ${type.typeName}(bytes, at, ${value});`); return true;
    case 'bytes': lines.push(`at = octets(bytes, at, ${value});`); return true;
    case 'record': {
      const record = `record${lines.length}`;
      lines.push(`const ${record} = ${value};`);
      return (type.fields ?? []).every((field) => write(field.type as AvroShape, `${fixed.includes(field.name) ? 'fixed' : record}.${field.name}`, lines, depth + 1));
    }
    case 'array': {
      const [items, index] = [`items${lines.length}`, `index${lines.length}`];
      lines.push(`const ${items} = ${value}; at = count(bytes, at, ${items}); for (let ${index} = 0; ${index} < ${items}.length; ${index} += 1) {`);
      const isKnown = write(type.itemsType as AvroShape, `${items}[${index}]`, lines, depth + 1);
      lines.push('} bytes[at++] = 0;');
      return isKnown;
    }
    default: return false;
  }
}

function longText(bytes: Buffer, start: number, value: string): number {
  const { length } = value;
  const at = start + (length < 64 ? 1 : length < 8192 ? 2 : 3);
  // Room for whatever it may be, so that a text cut short is never taken for a whole one.
  if (length >= 1024 * 1024 || at + 3 * length > bytes.length || bytes.write(value, at, 'utf8') !== length) return anyText(bytes, start, value);
  varint(bytes, start, length);
  return at + length;
}

function anyText(bytes: Buffer, start: number, value: string): number {
  const length = Buffer.byteLength(value);
  if (length <= ownLoopBytesMax) {
    const end = plainText.encode(value, bytes, start);
    if (end < 0) throw notWritten;
    return end;
  }
  const at = varint(bytes, start, length);
  if (at + length > bytes.length) throw notWritten;
  return at + bytes.write(value, at, 'utf8');
}

function varint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  if (value >= -0x40000000 && value < 0x40000000) {
    let rest = value >= 0 ? value << 1 : (~value << 1) | 1;
    for (; rest > 0x7f; rest >>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at] = rest;
  } else {
    let rest = value >= 0 ? value * 2 : -value * 2 - 1;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 0x80;
    bytes[at] = rest;
  }
  return at + 1;
}
