// Who appends again while the log does not answer. An append without an answer may have landed a copy of its claim: so
// of each partition one claim alone tries every few seconds, and the others wait for what it finds. All go on as soon as
// anything of the partition is acknowledged. An outage costs few copies then, and nobody sleeps through its end.

import { pause, type Clock } from '../../runtime/clock.js';

const tryEveryMs = 4_000;
/** Over which those that waited spread. */
const spreadMs = 250;

interface Outage {
  /** Who tries; null once it has given up. */
  trying: object | null;
  readonly waiting: Set<() => void>;
}

export class Outages {
  /** By partition. */
  readonly #outages = new Map<number, Outage>();

  constructor(private readonly clock: Clock) {}

  /** Resolves when the claim, whose append got no answer, is to be appended again; or when the signal aborts. */
  async turn(partition: number, claim: object, signal: AbortSignal): Promise<void> {
    const outage = this.#outages.get(partition) ?? { trying: null, waiting: new Set() };
    this.#outages.set(partition, outage);
    while (outage.trying !== null && outage.trying !== claim) {
      await change(outage, signal);
      if (signal.aborted) return;
      if (this.#outages.get(partition) !== outage) return pause(this.clock, spreadMs * Math.random(), signal);
    }
    outage.trying = claim;
    await pause(this.clock, tryEveryMs * (0.5 + Math.random() / 2), signal);
  }

  /** An append to the partition was acknowledged. */
  answered(partition: number): void {
    const outage = this.#outages.get(partition);
    if (outage === undefined) return;
    this.#outages.delete(partition);
    wake(outage);
  }

  /** The claim is not appended any more: another one tries, if it did. */
  leave(partition: number, claim: object): void {
    const outage = this.#outages.get(partition);
    if (outage?.trying !== claim) return;
    outage.trying = null;
    if (outage.waiting.size === 0) this.#outages.delete(partition);
    wake(outage);
  }
}

function change(outage: Outage, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      outage.waiting.delete(finish);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    outage.waiting.add(finish);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}

function wake({ waiting }: Outage): void {
  for (const finish of [...waiting]) finish();
}
