// Signing keys: HMAC-SHA256 per principal, with key ids so that keys can be rotated. A process holds only the keys
// it needs: an agent its own, the orchestrator all. Secrets never leave this object.

import { timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';
import { BlackboardError } from './errors.js';
import { HmacKey } from './hmac-key.js';

export interface SigningKey {
  readonly principal: string;
  readonly keyId: string;
  /** At least 32 bytes. */
  readonly secret: Buffer;
}

export class Keyring {
  readonly #keys = new Map<string, HmacKey>();
  readonly #current = new Map<string, string>();

  /** The last key of a principal is the one it signs with; the earlier ones still verify. */
  constructor(keys: readonly SigningKey[]) {
    for (const key of keys) {
      if (key.secret.length < 32) throw new Error(`the key ${key.principal}#${key.keyId} is shorter than 32 bytes`);
      if (!/^[a-z0-9-]{1,64}$/.test(key.principal) || !/^[A-Za-z0-9-]{1,32}$/.test(key.keyId)) throw new Error(`"${key.principal}#${key.keyId}" is no principal and key id`);
      this.#keys.set(`${key.principal}#${key.keyId}`, new HmacKey(key.secret));
      this.#current.set(principalOf(`${key.principal}#`), `${key.principal}#${key.keyId}`);
    }
  }

  /** `principal#keyId` with which a principal signs now. */
  signerOf(principal: string): string {
    const signer = this.#current.get(principal);
    if (signer === undefined) throw new BlackboardError('CONFIG_INVALID', `no signing key for ${principal}: give this process its key file`);
    return signer;
  }

  /** Whether there is a key of that principal. */
  holds(principal: string): boolean {
    return this.#current.has(principal);
  }

  /** Who has a key here. */
  principals(): readonly string[] {
    return [...this.#current.keys()];
  }

  /** HMAC-SHA256 over the parts, in order, 32 bytes. */
  sign(signer: string, ...parts: readonly Buffer[]): Buffer {
    const key = this.#keys.get(signer);
    if (key === undefined) throw new Error(`no signing key ${signer}: give this process its key file`);
    return key.mac(parts);
  }

  /** False for an unknown signer as well. */
  verify(signer: string, signature: Buffer, ...parts: readonly Buffer[]): boolean {
    const key = this.#keys.get(signer);
    if (key === undefined || signature.length !== 32) return false;
    return timingSafeEqual(key.mac(parts), signature);
  }

  [inspect.custom](): string {
    return `Keyring(${[...this.#keys.keys()].join(', ')})`;
  }

  toJSON(): string {
    return inspect(this);
  }
}

/** The principal of `principal#keyId`. */
export function principalOf(signer: string): string {
  const at = signer.indexOf('#');
  return at < 0 ? signer : signer.slice(0, at);
}
