// Who calls: an API key binds a caller to one principal and one tenant. Keys are kept as SHA-256 only and compared in
// constant time. Without any key the door is open, and therefore only ever bound to loopback.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { BlackboardError } from '../runtime/errors.js';
import { parseStrictJsonText } from '../runtime/strict-json.js';

const label = z.string().min(1).max(128).regex(/^[^\p{Cc}\p{Cf}\p{Cs}]*$/u, 'no control characters');

export const apiKeysSchema = z.array(z.strictObject({
  /** SHA-256 of the key, 64 hex digits. */
  hash: z.string().regex(/^[0-9a-f]{64}$/, '64 hex digits: the SHA-256 of the key'),
  principal: z.string().regex(/^[a-z0-9-]{1,64}$/, 'lower-case letters, digits and dashes'),
  tenant: label,
})).max(10_000);

export type ApiKey = z.output<typeof apiKeysSchema>[number];

export interface Caller {
  readonly principal: string;
  /** Null: any tenant, on loopback without keys. */
  readonly tenant: string | null;
}

export const openCaller: Caller = { principal: 'local', tenant: null };

/** Reads `[{"hash", "principal", "tenant"}, …]`. @throws BlackboardError CONFIG_INVALID naming the entry and the rule. */
export function parseApiKeys(text: string): readonly ApiKey[] {
  const parsed = parseStrictJsonText(text);
  if (!parsed.ok) throw new BlackboardError('CONFIG_INVALID', `the list of API keys: ${parsed.message}`);
  const keys = apiKeysSchema.safeParse(parsed.value);
  if (keys.success) {
    const seen = new Set<string>();
    const again = keys.data.findIndex(({ hash }) => seen.size === seen.add(hash).size);
    if (again >= 0) throw new BlackboardError('CONFIG_INVALID', `the list of API keys, ${again}.hash: an entry before it has the same; a key binds its caller to one principal and one tenant`);
    return keys.data;
  }
  const issue = keys.error.issues[0];
  throw new BlackboardError('CONFIG_INVALID', `the list of API keys, ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'has another shape'}`);
}

/** What is kept of a key. */
export function apiKeyHash(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The caller whose key came as `Authorization: Bearer …` or `X-Api-Key`; null when none fits. All keys are compared, always. */
export function callerOf(headers: IncomingHttpHeaders, keys: readonly ApiKey[]): Caller | null {
  if (keys.length === 0) return openCaller;
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/.exec(headers.authorization ?? '')?.[1];
  const named = headers['x-api-key'];
  const key = bearer ?? (typeof named === 'string' ? named.slice(0, 512) : '');
  const hash = createHash('sha256').update(key).digest();
  let found: ApiKey | null = null;
  for (const candidate of keys) if (timingSafeEqual(Buffer.from(candidate.hash, 'hex'), hash)) found = candidate;
  return key === '' || found === null ? null : { principal: found.principal, tenant: found.tenant };
}

/** Whether a host name means this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** @throws BlackboardError INSECURE_IN_PRODUCTION: without keys the door opens on loopback only. */
export function refuseOpenDoor(host: string, keys: readonly ApiKey[]): void {
  if (keys.length > 0 || isLoopback(host)) return;
  throw new BlackboardError('INSECURE_IN_PRODUCTION', `INSECURE: without API keys the HTTP door is bound to loopback only, not to ${host}. Anyone who reaches it could submit work and read every tenant. `
    + 'Give it a list of API keys, or bind it to 127.0.0.1.', { host });
}
