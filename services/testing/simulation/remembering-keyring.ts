// The production keyring, and what it once said of a signature: those of one record are decoded once, and whoever
// looks at them again hands in the same bytes. What it has signed itself it knows without computing it again.

import { Keyring } from '../../runtime/keyring.js';

interface Known {
  readonly signer: string;
  readonly parts: readonly Buffer[];
  readonly valid: boolean;
}

/** Signatures of so many records are remembered: those of one run are looked at within it. */
const madeMax = 4_096;

export class RememberingKeyring extends Keyring {
  readonly #verified = new WeakMap<Buffer, Known>();
  readonly #made = new Map<string, Known>();

  override sign(signer: string, ...parts: readonly Buffer[]): Buffer {
    const signature = super.sign(signer, ...parts);
    if (this.#made.size >= madeMax) this.#made.clear();
    // Copies: what was signed may lie in a buffer that is used again.
    this.#made.set(signature.toString('latin1'), { signer, parts: [Buffer.concat(parts)], valid: true });
    return signature;
  }

  override verify(signer: string, signature: Buffer, ...parts: readonly Buffer[]): boolean {
    const known = this.#verified.get(signature);
    if (known !== undefined && known.signer === signer && areSame(known.parts, parts)) return known.valid;
    const made = this.#made.get(signature.toString('latin1'));
    const valid = made !== undefined && made.signer === signer && isJoined(made.parts[0] as Buffer, parts) ? true : super.verify(signer, signature, ...parts);
    this.#verified.set(signature, { signer, parts, valid });
    return valid;
  }
}

function areSame(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((part, index) => part.equals(b[index] as Buffer));
}

function isJoined(whole: Buffer, parts: readonly Buffer[]): boolean {
  let at = 0;
  for (const part of parts) {
    if (whole.compare(part, 0, part.length, at, Math.min(whole.length, at + part.length)) !== 0) return false;
    at += part.length;
  }
  return at === whole.length;
}
