// Puts each event together: the shared envelope, then (facts) the fact envelope, then its own fields, and for
// messages that principals sign the signature last, so that the signed bytes are a prefix of the record.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type MessageClass = 'claim' | 'fact' | 'deadLetter' | 'control';

export interface AvroField {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
  readonly default?: unknown;
}

export interface EventSchema {
  readonly name: string;
  readonly messageClass: MessageClass;
  readonly avro: { readonly type: 'record'; readonly name: string; readonly namespace: string; readonly doc: string; readonly fields: readonly AvroField[] };
}

const folders: readonly (readonly [MessageClass, string])[] = [['claim', 'claims'], ['fact', 'facts'], ['deadLetter', 'dead-letter'], ['control', 'control']];

/** Avro names are namespaced by the major version of the contract: a breaking change is a new namespace. */
export const namespace = 'blackboard.v1';

/** The fields that all events share, and those that all facts share besides. */
export function sharedFields(schemasDir: string): { readonly envelope: readonly AvroField[]; readonly factEnvelope: readonly AvroField[] } {
  return { envelope: readJson<AvroField[]>(join(schemasDir, 'envelope.json')), factEnvelope: readJson<AvroField[]>(join(schemasDir, 'fact-envelope.json')) };
}

/** Reads and composes every event schema below `schemasDir`, sorted by class and name. */
export function composeSchemas(schemasDir: string): readonly EventSchema[] {
  const { envelope, factEnvelope } = sharedFields(schemasDir);
  const signature: AvroField = { name: 'signature', type: 'bytes', doc: 'over the schema fingerprint and all bytes before this field; always the last field' };
  return folders.flatMap(([messageClass, folder]) => readdirSync(join(schemasDir, folder)).filter((file) => file.endsWith('.json')).sort().map((file): EventSchema => {
    const own = readJson<{ name: string; doc: string; fields: AvroField[] }>(join(schemasDir, folder, file));
    const signed = messageClass === 'claim' || messageClass === 'control';
    const fields = [...envelope, ...(messageClass === 'fact' ? factEnvelope : []), ...own.fields, ...(signed ? [signature] : [])];
    return { name: own.name, messageClass, avro: { type: 'record', name: own.name, namespace, doc: own.doc, fields: dedupeNamedTypes(fields) as AvroField[] } };
  }));
}

/** Avro lets a named type be defined once per schema: later occurrences become references by name. */
function dedupeNamedTypes(node: unknown, seen = new Set<string>()): unknown {
  if (Array.isArray(node)) return node.map((item) => dedupeNamedTypes(item, seen));
  if (node === null || typeof node !== 'object') return node;
  const record = node as Record<string, unknown>;
  if (record['type'] === 'record' && typeof record['name'] === 'string') {
    if (seen.has(record['name'])) return record['name'];
    seen.add(record['name']);
  }
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, key === 'default' ? value : dedupeNamedTypes(value, seen)]));
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
