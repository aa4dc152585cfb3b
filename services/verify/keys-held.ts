// What an owner believed of signatures that the keys at hand confirm. Its key file may have lacked one of them: not
// added yet, or taken out again. It reads the file once, when it starts, so that within one epoch a signer is believed
// always or never; a signer that is believed once and not believed once is a finding.

export class KeysHeld {
  #epoch = -1;
  /** Null: both, which no owner may. */
  readonly #believed = new Map<string, boolean | null>();

  /** Whether an owner of that epoch may have judged a true signature of `signer` so; each look is remembered. */
  mayHave(epoch: number, signer: string, believed: boolean): boolean {
    if (epoch !== this.#epoch) this.#believed.clear();
    this.#epoch = epoch;
    const before = this.#believed.get(signer);
    const isHonest = before === undefined || before === believed;
    this.#believed.set(signer, isHonest ? believed : null);
    return isHonest;
  }
}
