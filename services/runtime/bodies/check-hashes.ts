import { contentHash } from '../../blackboard/ids.js';
import { BlackboardError } from '../errors.js';

/** A body under a wrong name would be served as another one: nothing is stored when one hash does not fit. */
export function checkHashes(bodies: readonly { readonly hash: string; readonly bytes: Uint8Array }[]): void {
  for (const { hash, bytes } of bodies) {
    const actual = contentHash(bytes);
    if (actual !== hash) {
      throw new BlackboardError('INPUT_INVALID', `a body was to be stored under ${hash.slice(0, 64)}, but its SHA-256 is ${actual}; nothing was stored. Send it under its own hash.`, { expected: actual });
    }
  }
}

/** 64 lower-case hex digits. */
export function isBodyHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
