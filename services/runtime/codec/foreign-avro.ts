// Records of other people's schemas, in Confluent wire format, as plain JSON values. Schemas come from the registry,
// once per id. The bytes are checked before anything is built from them, and the values keep the rules that JSON keeps
// at every other door (bytes become base64 text; a long beyond 2^53 or below -2^52, NaN or infinity is refused).

import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import avsc from 'avsc';
import { BlackboardError } from '../errors.js';
import { parseStrictJsonText } from '../strict-json.js';
import { within } from '../within.js';
import { endOfAvro } from './avro-bounds.js';
import { schemaText } from './schema-text.js';

export type ForeignValue =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly rule: string; readonly message: string };

export interface ForeignAvro {
  /** @throws BlackboardError REGISTRY_UNAVAILABLE: the registry gave no answer about an id that is not known here yet. */
  read(bytes: Buffer): Promise<ForeignValue>;
}

const frameBytes = 5;

export interface ForeignAvroOptions {
  /** How long one question may take. Default 10,000. */
  readonly timeoutMs?: number;
}

/** @param url e.g. `http://registry:8080/apis/ccompat/v7` */
export function foreignAvro(url: string, { timeoutMs = 10_000 }: ForeignAvroOptions = {}): ForeignAvro {
  const registry = new SchemaRegistry({ host: url, retry: { maxRetryTimeInSecs: 2, initialRetryTimeInSecs: 0.1, retries: 3 } });
  const known = new Map<number, Promise<avsc.Type | null>>();
  const typeOf = (id: number): Promise<avsc.Type | null> => {
    const asked = known.get(id) ?? within(schemaType(registry, id), timeoutMs).catch((error: unknown) => { throw registryAway(error, id, url); });
    known.set(id, asked);
    // Neither a failure nor an absence is remembered: the schema may come.
    asked.then((type) => { if (type === null) known.delete(id); }, () => known.delete(id));
    return asked;
  };
  return {
    read: async (bytes) => {
      if (bytes.length < frameBytes || bytes[0] !== 0) return refused('wire-format', 'the record is not in Confluent wire format (a zero byte, four bytes of schema id, the body)');
      const id = bytes.readInt32BE(1);
      const type = id < 0 ? null : await typeOf(id);
      return type === null ? refused('unknown-schema', `the registry knows no Avro schema ${id}`) : decode(type, bytes);
    },
  };
}

/** Exported for tests: a framed record under a type. */
export function decode(type: avsc.Type, bytes: Buffer): ForeignValue {
  try {
    if (endOfAvro(type, bytes, frameBytes) !== bytes.length) return refused('not-avro', 'the bytes are no value of their schema, or hold a long below -2^52');
    const { value } = type.decode(bytes, frameBytes) as { value: unknown };
    return asJson(value);
  } catch (error) {
    if (error instanceof NotJson) return refused('number-overflow', 'a number is not finite, which JSON cannot say');
    // avsc throws plain errors, among them for longs beyond 2^53.
    return refused('not-avro', 'the bytes are no value of their schema, or hold a long beyond 2^53');
  }
}

class NotJson extends Error {}

function asJson(value: unknown): ForeignValue {
  const text = JSON.stringify(value, function keep(this: Record<string, unknown>, key: string, shown: unknown) {
    const own = this[key];
    if (Buffer.isBuffer(own)) return own.toString('base64');
    if (typeof own === 'number' && !Number.isFinite(own)) throw new NotJson();
    return shown;
  });
  // Through the one parser, so that depth, keys, surrogates and U+0000 are judged as at every other door.
  const parsed = parseStrictJsonText(text);
  return parsed.ok ? parsed : refused(parsed.rule, parsed.message);
}

/** Null where there is none, or one that is no Avro: whoever writes to the topic may name any, and must stop nobody. */
async function schemaType(registry: SchemaRegistry, id: number): Promise<avsc.Type | null> {
  let found: { readonly schema?: () => unknown };
  try {
    found = await registry.getSchema(id) as typeof found;
  } catch (error) {
    const { status } = error as { readonly status?: number };
    if (status === 404) return null;
    if (status !== undefined) throw error;
    // What has no status was said of an answer that came, by the client that could not read it: of a schema, if it is one.
    await schemaText(registry, id);
    return null;
  }
  try {
    return avsc.Type.forSchema((found.schema?.() ?? found) as avsc.Schema);
  } catch {
    return null;
  }
}

function registryAway(error: unknown, id: number, url: string): BlackboardError {
  return new BlackboardError('REGISTRY_UNAVAILABLE', `the schema registry at ${url} did not answer for schema id ${id}: ${(error as Error).message}; check SCHEMA_REGISTRY_URL and that it runs`, { id }, { cause: error });
}

function refused(rule: string, message: string): ForeignValue {
  return { ok: false, rule, message };
}
