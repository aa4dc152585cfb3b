// The production keyring, which knows what it has signed itself without computing it again: nearly every signature of
// a run is looked at by several who hand in the same bytes.

import { Keyring } from '../../runtime/keyring.js';

interface Made {
  readonly signer: string;
  readonly parts: readonly Buffer[];
}

/** Signatures of so many records are remembered: those of one run are looked at within it. */
const madeMax = 4_096;

export class RememberingKeyring extends Keyring {
  readonly #made = new Map<string, Made>();

  override sign(signer: string, ...parts: readonly Buffer[]): Buffer {
    const signature = super.sign(signer, ...parts);
    if (this.#made.size >= madeMax) this.#made.clear();
    // Copies: what was signed may lie in a buffer that is used again.
    this.#made.set(signature.toString('latin1'), { signer, parts: parts.map((part) => Buffer.from(part)) });
    return signature;
  }

  override verify(signer: string, signature: Buffer, ...parts: readonly Buffer[]): boolean {
    const made = this.#made.get(signature.toString('latin1'));
    return (made !== undefined && made.signer === signer && areSame(made.parts, parts)) || super.verify(signer, signature, ...parts);
  }
}

function areSame(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((part, index) => part.equals(b[index] as Buffer));
}
