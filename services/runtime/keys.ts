// Key files: JSON `[{"principal","keyId","secret"}]`, the secret base64 of at least 32 bytes. One file per process,
// holding only what that process needs; the orchestrator's and the gateway's hold all.

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { BlackboardError } from './errors.js';
import type { SigningKey } from './keyring.js';

const keySchema = z.array(z.strictObject({
  principal: z.string().regex(/^[a-z0-9-]{1,64}$/),
  keyId: z.string().regex(/^[A-Za-z0-9-]{1,32}$/),
  secret: z.string().regex(/^[A-Za-z0-9+/]{43,}={0,2}$/),
})).min(1);

/** @throws BlackboardError CONFIG_INVALID naming the field, never the value. */
export function parseKeys(text: string, where: string): readonly SigningKey[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // What JSON.parse says may quote a secret.
    throw new BlackboardError('CONFIG_INVALID', `${where} is not JSON; it must be a list of {"principal","keyId","secret"}: make one with "blackboard keys"`);
  }
  const parsed = keySchema.safeParse(json);
  if (parsed.success) return withoutRivals(parsed.data.map((key) => ({ principal: key.principal, keyId: key.keyId, secret: Buffer.from(key.secret, 'base64') })), where);
  throw new BlackboardError('CONFIG_INVALID', `${where} is no list of keys: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`).join('; ')}; make one with "blackboard keys"`);
}

/** Of two keys of one name one would count silently, and what the other signs be a forgery. */
function withoutRivals(keys: readonly SigningKey[], where: string): readonly SigningKey[] {
  const secrets = new Map<string, Buffer>();
  for (const { principal, keyId, secret } of keys) {
    const name = `${principal}#${keyId}`;
    if (secrets.get(name)?.equals(secret) === false) throw new BlackboardError('CONFIG_INVALID', `${where} has two keys ${name}: give the newer one an id of its own ("blackboard keys DIR --key-id ID")`);
    secrets.set(name, secret);
  }
  return keys;
}

/** New keys, one per principal. */
export function makeKeys(principals: readonly string[], keyId: string): readonly SigningKey[] {
  return principals.map((principal) => ({ principal, keyId, secret: randomBytes(32) }));
}

/** The text of a key file. */
export function keysText(keys: readonly SigningKey[]): string {
  return `${JSON.stringify(keys.map((key) => ({ principal: key.principal, keyId: key.keyId, secret: key.secret.toString('base64') })), null, 2)}\n`;
}
