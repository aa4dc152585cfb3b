// Names that are computed, never drawn: the same input gives the same id anywhere, years later.

import { hash } from 'node:crypto';

/** SHA-256 of bytes, or of a text's UTF-8, 64 hex digits: the name of a body. */
export function contentHash(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex');
}

/** The job id, 32 hex digits: hash of tenant and idempotency key; also the record key of all that concerns the job. */
export function jobId(tenant: string, idempotencyKey: string): string {
  return contentHash(`${Buffer.byteLength(tenant)}:${tenant}:${idempotencyKey}`).slice(0, 32);
}

/** 32 hex digits. */
export function isJobId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/** JSON with sorted keys and no white space: equal values have equal text. Undefined members are left out. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) text += `${index === 0 ? '' : ','}${canonicalJson(value[index] ?? null)}`;
    return `[${text}]`;
  }
  for (const key of sorted(Object.keys(value))) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** Most texts need no escape, and no call out of JavaScript. */
function quoted(text: string): string {
  return text.length < quickLengthMax && /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

const quickLengthMax = 100;

/** Few keys, nearly in order: an insertion is quicker than the platform's sort. */
function sorted(keys: string[]): readonly string[] {
  if (keys.length > keysMax) return keys.sort();
  for (let next = 1; next < keys.length; next += 1) {
    const key = keys[next] as string;
    let at = next;
    for (; at > 0 && (keys[at - 1] as string) > key; at -= 1) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

const keysMax = 24;

/** The version of a thing that is data (workflow, policy): 16 hex digits of the hash of its canonical JSON. */
export function versionOf(value: unknown): string {
  return contentHash(canonicalJson(value)).slice(0, 16);
}

/** Names a record for `causation`: `v/3/1234`. */
export function coordinate(topic: 'q' | 'v', partition: number, offset: number): string {
  return `${topic}/${partition}/${offset}`;
}
