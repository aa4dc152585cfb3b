// One parser for every door that takes JSON: HTTP bodies, model output, the bridge, configuration. It accepts
// RFC 8259 minus the readings on which two parsers may differ (duplicate keys, lone surrogates, numbers that a
// double cannot hold, keys that reach a prototype, U+0000). One linear pass with an explicit stack decides;
// nothing recurses over unchecked depth, and messages name rules and positions, never the text itself.

import { isUtf8 } from 'node:buffer';

/** Every rule by which a JSON text can be refused, with the sentence shown to people. */
export const strictJsonRules = {
  'size': 'the text is larger than this door takes',
  'utf8': 'the bytes are not valid UTF-8',
  'bom': 'the text begins with a byte order mark',
  'syntax': 'the text is not JSON (RFC 8259)',
  'depth': 'arrays and objects are nested deeper than this door takes',
  'duplicate-key': 'an object has the same key twice',
  'forbidden-key': 'the keys __proto__ and constructor are not allowed',
  'lone-surrogate': 'a string has half of a surrogate pair',
  'nul': 'a string has the character U+0000, which no table can store',
  'number-overflow': 'a number is too large for a double',
  'number-precision': 'a number has more digits than a double keeps (send it as a string)',
} as const;

export type StrictJsonRule = keyof typeof strictJsonRules;

export interface StrictJsonLimits {
  /** Bytes of UTF-8; 1 MiB unless given. */
  readonly bytesMax?: number;
  /** Levels of arrays and objects; 64 unless given. */
  readonly depthMax?: number;
}

export interface StrictJsonRefusal {
  readonly ok: false;
  readonly rule: StrictJsonRule;
  /** JSON pointer (RFC 6901) of the offending place, at most 200 characters. It holds keys of the input: show it with `forTerminal`. */
  readonly path?: string;
  /** The rule and the position in the text; never a quotation. */
  readonly message: string;
}

export type StrictJsonResult = { readonly ok: true; readonly value: unknown } | StrictJsonRefusal;

/** Parses the whole of `bytes` as one JSON value or names the first rule that it breaks. Never throws. */
export function parseStrictJson(bytes: Uint8Array, limits: StrictJsonLimits = {}): StrictJsonResult {
  const bytesMax = limits.bytesMax ?? 1_048_576;
  if (bytes.byteLength > bytesMax) return refused('size', `${strictJsonRules.size}: ${bytes.byteLength} bytes, at most ${bytesMax}`);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return refused('bom', strictJsonRules.bom);
  if (!isUtf8(bytes)) return refused('utf8', strictJsonRules.utf8);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const problem = new Scanner(text, limits.depthMax ?? 64).scan();
  if (problem !== null) return problem;
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    // The scanner and V8 have never been seen to differ; should they, the text is refused.
    return refused('syntax', strictJsonRules.syntax);
  }
}

/** As `parseStrictJson`, for text that is already decoded. A lone surrogate in it is refused as `utf8`. */
export function parseStrictJsonText(text: string, limits: StrictJsonLimits = {}): StrictJsonResult {
  if (loneSurrogate.test(text)) return refused('utf8', strictJsonRules.utf8);
  return parseStrictJson(Buffer.from(text, 'utf8'), limits);
}

function refused(rule: StrictJsonRule, message: string, path?: string): StrictJsonRefusal {
  return path === undefined ? { ok: false, rule, message } : { ok: false, rule, path, message };
}

/** An open array or object. `keys` is null for an array; the current key or index makes the pointer. */
interface Frame {
  readonly keys: Set<string> | null;
  key: string;
  index: number;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, MINUS = 0x2d, ZERO = 0x30, NINE = 0x39;
const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
/** With the u flag a surrogate matches only where it is not half of a pair. */
const loneSurrogate = /\p{Surrogate}/u;
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Scanner {
  private at = 0;
  private readonly stack: Frame[] = [];
  private problem: StrictJsonRefusal | null = null;

  constructor(private readonly text: string, private readonly depthMax: number) {}

  scan(): StrictJsonRefusal | null {
    while (this.value()) {
      // A value has ended: close what it closes, until a comma asks for the next value or the text ends.
      if (!this.afterValue()) break;
    }
    return this.problem;
  }

  /** Consumes one value, or opens an array or object up to its first value. False: refused, or nothing more to read. */
  private value(): boolean {
    for (;;) {
      this.blank();
      const code = this.text.charCodeAt(this.at);
      if (code === QUOTE) return this.string() !== null;
      if (code === MINUS || (code >= ZERO && code <= NINE)) return this.number();
      if (code === 0x7b || code === 0x5b) {
        if (this.stack.length >= this.depthMax) return this.refuse('depth');
        const isObject = code === 0x7b;
        this.at += 1;
        this.stack.push({ keys: isObject ? new Set() : null, key: '', index: 0 });
        this.blank();
        if (this.text.charCodeAt(this.at) === (isObject ? 0x7d : 0x5d)) {
          this.at += 1;
          this.stack.pop();
          return true;
        }
        if (isObject && !this.key()) return false;
        continue;
      }
      const literal = literals[this.text[this.at] ?? ''];
      if (literal === undefined || !this.text.startsWith(literal, this.at)) return this.refuse('syntax');
      this.at += literal.length;
      return true;
    }
  }

  /** True when another value must follow. False at the end of the text, or when refused. */
  private afterValue(): boolean {
    for (;;) {
      this.blank();
      const frame = this.stack[this.stack.length - 1];
      if (frame === undefined) return this.at < this.text.length && this.refuse('syntax');
      const code = this.text.charCodeAt(this.at);
      if (code === 0x2c) {
        this.at += 1;
        frame.index += 1;
        return frame.keys === null || this.key();
      }
      if (code !== (frame.keys === null ? 0x5d : 0x7d)) return this.refuse('syntax');
      this.at += 1;
      this.stack.pop();
    }
  }

  private key(): boolean {
    this.blank();
    const frame = this.stack[this.stack.length - 1];
    if (frame === undefined || frame.keys === null || this.text.charCodeAt(this.at) !== QUOTE) return this.refuse('syntax');
    // Until the key is read, the pointer names the object that holds it.
    frame.key = '';
    const key = this.string();
    if (key === null) return false;
    frame.key = key;
    if (key === '__proto__' || key === 'constructor') return this.refuse('forbidden-key');
    if (frame.keys.has(key)) return this.refuse('duplicate-key');
    frame.keys.add(key);
    this.blank();
    if (this.text.charCodeAt(this.at) !== 0x3a) return this.refuse('syntax');
    this.at += 1;
    return true;
  }

  /** Consumes a string and returns its text, or null when refused. Text of values without an escape is not used, but a slice costs nothing. */
  private string(): string | null {
    const { text } = this;
    const start = this.at;
    let escaped = false;
    for (let at = start + 1; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.at = at + 1;
        return escaped ? this.unescape(start) : text.slice(start + 1, at);
      }
      if (code < 0x20) return this.refuseAt(at, 'syntax');
      if (code === BACKSLASH) {
        escaped = true;
        const length = escapeLength(text, at);
        if (length === 0) return this.refuseAt(at, 'syntax');
        at += length - 1;
      }
    }
    return this.refuseAt(text.length, 'syntax');
  }

  private unescape(start: number): string | null {
    const value = JSON.parse(this.text.slice(start, this.at)) as string;
    if (loneSurrogate.test(value)) return this.refuseAt(start, 'lone-surrogate');
    if (value.includes('\0')) return this.refuseAt(start, 'nul');
    return value;
  }

  private number(): boolean {
    numberPattern.lastIndex = this.at;
    const literal = numberPattern.exec(this.text)?.[0];
    if (literal === undefined) return this.refuse('syntax');
    // Anything but a separator after the literal (`01`, `1.`, `1e`) is refused by whoever reads on.
    if (literal.length > 15) {
      const value = Number(literal);
      if (!Number.isFinite(value)) return this.refuse('number-overflow');
      if (losesPrecision(literal, value)) return this.refuse('number-precision');
    } else if (/[eE]/.test(literal) && !Number.isFinite(Number(literal))) return this.refuse('number-overflow');
    this.at += literal.length;
    return true;
  }

  private blank(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  private refuseAt(at: number, rule: StrictJsonRule): null {
    this.at = at;
    this.refuse(rule);
    return null;
  }

  private refuse(rule: StrictJsonRule): false {
    const end = this.at >= this.text.length ? ', the end of the text' : '';
    this.problem = refused(rule, `${strictJsonRules[rule]}, at character ${this.at}${end}`, pointer(this.stack));
    return false;
  }
}

/** Length of the escape that begins at `at`, or 0 when there is no such escape. */
function escapeLength(text: string, at: number): number {
  const code = text[at + 1];
  if (code === 'u') return /^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6)) ? 6 : 0;
  return code !== undefined && '"\\/bfnrt'.includes(code) ? 2 : 0;
}

/** True for integers outside ±(2^53 − 1), and for larger numbers of any notation that come back with other digits. */
function losesPrecision(literal: string, value: number): boolean {
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return false;
  return !/[.eE]/.test(literal) || significantDigits(literal) !== significantDigits(String(value));
}

/** Zeros are counted away: a pattern for those at the end begins anew at each zero within, and a literal may be a mebibyte long. */
function significantDigits(literal: string): string {
  const digits = literal.replace(/[eE].*$/, '').replace(/\D/g, '');
  let start = 0;
  let end = digits.length;
  while (start < end && digits.charCodeAt(start) === ZERO) start += 1;
  while (end > start && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  return digits.slice(start, end);
}

function pointer(stack: readonly Frame[]): string {
  let path = '';
  for (const frame of stack) {
    if (path.length > 200) break;
    path += `/${frame.keys === null ? frame.index : frame.key.slice(0, 201).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }
  return path.length > 200 ? `${path.slice(0, 199)}…` : path;
}
