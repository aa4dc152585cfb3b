// Whether bytes are a value of an Avro type, before anything is built from them. avsc reads past the end of a buffer
// without a word and believes every count, so that ten bytes can name an array of billions; here each count, length
// and index is held against the bytes that are left. Linear in the bytes; depth is bounded.

import { isUtf8 } from 'node:buffer';
import type avsc from 'avsc';

const depthMax = 64;
/** Items that take no bytes (nulls, empty records) in one array or map at most. */
const emptyItemsMax = 1024;
const outside = -1;
const longBytesMax = 10;

/** Returns the position behind the value, or -1. */
type Check = (bytes: Buffer, at: number, depth: number) => number;

interface TypeShape extends avsc.Type {
  readonly typeName: string;
  readonly fields?: readonly { readonly type: avsc.Type }[];
  readonly itemsType?: avsc.Type;
  readonly valuesType?: avsc.Type;
  readonly underlyingType?: avsc.Type;
  readonly types?: readonly avsc.Type[];
  readonly symbols?: readonly string[];
  readonly size?: number;
}

const checks = new WeakMap<avsc.Type, Check>();

/** Position behind the value of `type` that begins at `start`, or -1 when the bytes from there on are no such value. */
export function endOfAvro(type: avsc.Type, bytes: Buffer, start = 0): number {
  return checkOf(type)(bytes, start, 0);
}

function checkOf(type: avsc.Type): Check {
  const known = checks.get(type);
  if (known !== undefined) return known;
  let made: Check | null = null;
  // Set before it is built, so that a type may hold itself.
  checks.set(type, (bytes, at, depth) => (made === null || depth > depthMax ? outside : made(bytes, at, depth)));
  made = build(type as TypeShape);
  return checks.get(type) ?? made;
}

function build(type: TypeShape): Check {
  switch (type.typeName) {
    case 'null': return (_bytes, at) => at;
    case 'boolean': return (bytes, at) => ((bytes[at] ?? 2) <= 1 ? at + 1 : outside);
    case 'int': return int;
    case 'long': return long;
    case 'float': return fixed(4);
    case 'double': return fixed(8);
    case 'fixed': return fixed(type.size ?? 0);
    case 'bytes': return (bytes, at) => lengthPrefixed(bytes, at, false);
    case 'string': return (bytes, at) => lengthPrefixed(bytes, at, true);
    case 'enum': return indexed(type.symbols?.length ?? 0, () => (_bytes, at) => at);
    case 'record': case 'error': return inOrder((type.fields ?? []).map((field) => checkOf(field.type)));
    case 'array': return blocks(type.itemsType as avsc.Type, false);
    case 'map': return blocks(type.valuesType as avsc.Type, true);
    default:
      if (type.typeName.startsWith('union:')) return union((type.types ?? []).map(checkOf));
      if (type.underlyingType !== undefined) return checkOf(type.underlyingType);
      throw new Error(`Avro type ${type.typeName} is not known to the bounds check`);
  }
}

/** Five bytes hold more than an int does, and avsc reads it all; what it has read so it then refuses to write. */
function int(bytes: Buffer, at: number): number {
  const end = skipVarint(bytes, at, 5);
  return end < 0 || Math.abs(readLong(bytes, at) + 0.5) > 2 ** 31 ? outside : end;
}

/** Below -2^52 a zigzag number is odd and beyond 2^53: a double rounds it to an even one, which avsc takes for positive. */
function long(bytes: Buffer, at: number): number {
  const end = skipVarint(bytes, at);
  return end - at > 7 && ((bytes[at] as number) & 1) === 1 && readLong(bytes, at) >= 0 ? outside : end;
}

function fixed(size: number): Check {
  return (bytes, at) => (at + size <= bytes.length ? at + size : outside);
}

function inOrder(parts: readonly Check[]): Check {
  return (bytes, start, depth) => {
    let at = start;
    for (const part of parts) {
      at = part(bytes, at, depth + 1);
      if (at < 0) return outside;
    }
    return at;
  };
}

function union(members: readonly Check[]): Check {
  return indexed(members.length, (index) => members[index] as Check);
}

function indexed(count: number, member: (index: number) => Check): Check {
  return (bytes, at, depth) => {
    const end = skipVarint(bytes, at);
    if (end < 0) return outside;
    const index = readLong(bytes, at);
    return index >= 0 && index < count ? member(index)(bytes, end, depth + 1) : outside;
  };
}

function lengthPrefixed(bytes: Buffer, at: number, isText: boolean): number {
  const start = skipVarint(bytes, at);
  if (start < 0) return outside;
  const length = readLong(bytes, at);
  const end = start + length;
  if (length < 0 || end > bytes.length) return outside;
  return !isText || isShortAscii(bytes, start, end) || isUtf8(bytes.subarray(start, end)) ? end : outside;
}

/** Almost every text is one, and looking costs less than a view of the bytes. */
function isShortAscii(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > 64) return false;
  for (let at = start; at < end; at += 1) if ((bytes[at] as number) >= 0x80) return false;
  return true;
}

/** Arrays and maps: blocks of items, each with its count (negative: its byte size follows), until a count of 0. */
function blocks(itemType: avsc.Type, hasKeys: boolean): Check {
  const item = checkOf(itemType);
  return (bytes, start, depth) => {
    let at = start;
    let empty = 0;
    const keys = hasKeys ? new Set<string>() : null;
    for (;;) {
      const begin = skipVarint(bytes, at);
      if (begin < 0) return outside;
      const signed = readLong(bytes, at);
      if (signed === 0) return begin;
      at = signed < 0 ? skipVarint(bytes, begin) : begin;
      if (at < 0) return outside;
      for (let left = Math.abs(signed); left > 0; left -= 1) {
        const before = at;
        if (keys !== null) at = newKey(bytes, at, keys);
        if (at >= 0) at = item(bytes, at, depth + 1);
        if (at < 0 || (at === before && ++empty > emptyItemsMax)) return outside;
      }
    }
  };
}

/** A key of a map that is neither there already nor the one that an object takes for its prototype: both would be lost. */
function newKey(bytes: Buffer, at: number, keys: Set<string>): number {
  const end = lengthPrefixed(bytes, at, true);
  if (end < 0) return outside;
  const key = bytes.toString('utf8', skipVarint(bytes, at), end);
  if (key === '__proto__' || keys.has(key)) return outside;
  keys.add(key);
  return end;
}

/** Position behind a varint of at most `bytesMax` bytes, or -1; of any start, also one that a hostile length made. */
export function skipVarint(bytes: Buffer, start: number, bytesMax = longBytesMax): number {
  for (let skipped = 0; skipped < bytesMax && start + skipped < bytes.length; skipped += 1) {
    if ((bytes[start + skipped] ?? 0x80) < 0x80) return start + skipped + 1;
  }
  return outside;
}

/** The zigzag varint at a place that `skipVarint` passes; of bytes that end before it does, what there is of it. Beyond 2^53 it is inexact. */
export function readLong(bytes: Buffer, start: number): number {
  let value = 0;
  let scale = 1;
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    scale *= 128;
  }
}
