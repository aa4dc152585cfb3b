// Bodies of artifacts to bytes and back, under their contract: plain Avro without a frame, then the contract's own
// rules. Bytes may come from anyone: nothing is built before they are known to fit, nothing throws, and what is said
// of a refusal names a field and a rule, never the body's text.

import type avsc from 'avsc';
import type { ZodError } from 'zod';
import type { Contract } from '../../blackboard/contract.js';
import { BlackboardError } from '../errors.js';
import { endOfAvro } from './avro-bounds.js';
import { compileReader, type AvroRead } from './compile-reader.js';
import { parseSchema } from './event-codec.js';

export type DecodedBody<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; /** Path such as `findings.0.quote`; empty: the whole. */ readonly field: string; readonly rule: string };

/** Larger bodies are refused before they are looked at. */
export const bodyBytesMax = 16 * 1024 * 1024;

interface Compiled {
  readonly type: avsc.Type;
  /** Null: the contract has parts of other kinds. */
  readonly read: AvroRead | null;
}

const compiled = new WeakMap<Contract<never>, Compiled>();

/** @throws BlackboardError INPUT_INVALID naming the field and the rule that the value breaks. */
export function encodeBody<T>(contract: Contract<T>, value: T): Buffer {
  const checked = contract.rules.safeParse(value);
  if (!checked.success) throw invalid(contract.name, ...firstIssue(checked.error));
  const { type } = compiledOf(contract);
  const paths: string[] = [];
  if (!type.isValid(checked.data, { noUndeclaredFields: true, errorHook: (path: string[]) => paths.push(fieldOf(path)) } as never)) {
    throw invalid(contract.name, paths[0] ?? '', 'does not fit the Avro schema of the contract');
  }
  return type.toBuffer(checked.data);
}

/** Never throws on bytes, whatever they are. */
export function decodeBody<T>(contract: Contract<T>, bytes: Uint8Array): DecodedBody<T> {
  if (bytes.byteLength > bodyBytesMax) return { ok: false, field: '', rule: `is larger than ${bodyBytesMax} bytes` };
  const { type, read } = compiledOf(contract);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // What the compiled reader reads keeps all that the bounds check asks for; of the rest that check says what it is.
  const known = read?.(buffer, 0);
  const end = known === undefined ? endOfAvro(type, buffer) : buffer.length;
  if (end < 0) return { ok: false, field: '', rule: 'is not a value of the Avro schema of the contract' };
  if (end !== buffer.length) return { ok: false, field: '', rule: 'has bytes left over behind the Avro value' };
  try {
    const checked = contract.rules.safeParse(plain(known ?? type.fromBuffer(buffer)));
    if (checked.success) return { ok: true, value: checked.data };
    const [field, rule] = firstIssue(checked.error);
    return { ok: false, field, rule };
  } catch {
    // Whatever avsc or a rule throws at such bytes (a long beyond 2^53, say), they do not keep the contract.
    return { ok: false, field: '', rule: 'is not a value of the Avro schema of the contract' };
  }
}

/** As `decodeBody`. @throws BlackboardError INPUT_INVALID naming the field and the rule. */
export function readBody<T>(contract: Contract<T>, bytes: Uint8Array): T {
  const decoded = decodeBody(contract, bytes);
  if (!decoded.ok) throw invalid(contract.name, decoded.field, decoded.rule);
  return decoded.value;
}

function compiledOf<T>(contract: Contract<T>): Compiled {
  const key = contract as unknown as Contract<never>;
  let known = compiled.get(key);
  if (known === undefined) {
    const type = parseSchema(contract.avro);
    known = { type, read: compileReader(type) };
    compiled.set(key, known);
  }
  return known;
}

function invalid(contract: string, field: string, rule: string): BlackboardError {
  return new BlackboardError('INPUT_INVALID', `a body does not keep ${contract}: ${field === '' ? 'it' : field} ${rule}`, { contract, field, rule });
}

function firstIssue(error: ZodError): readonly [string, string] {
  const issue = error.issues[0];
  return [fieldOf(issue?.path ?? []), (issue?.message ?? 'breaks a rule').slice(0, 200)];
}

/** Keys of a map are the body's own text: only those that look like names are shown. */
function fieldOf(path: readonly PropertyKey[]): string {
  return path.map((part) => (/^[A-Za-z0-9_-]{1,40}$/.test(String(part)) ? String(part) : '*')).join('.').slice(0, 200);
}

/** avsc makes instances of generated classes; rules speak of plain objects. Depth is bounded by the bounds check. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  const object: Record<string, unknown> = {};
  for (const key of Object.keys(value)) object[key] = plain((value as Record<string, unknown>)[key]);
  return object;
}
