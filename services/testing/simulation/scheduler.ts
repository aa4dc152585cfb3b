// The one loop of a simulation: a heap keyed by (virtual time, seeded tie-break, sequence). It pops one action, runs
// it, lets every microtask finish, and pops the next. Nothing of the event loop runs in between, so nothing but the
// seed decides the order.

import TinyQueue from 'tinyqueue';
import type { Dice } from './dice.js';

interface Entry {
  readonly atMs: number;
  readonly tie: number;
  readonly sequence: number;
  action: (() => void) | null;
}

/** A whole number: a difference of two times would be an object of its own, some forty thousand times a run. */
function inOrder(a: Entry, b: Entry): number {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs ? -1 : 1;
  if (a.tie !== b.tie) return a.tie < b.tie ? -1 : 1;
  return a.sequence - b.sequence;
}

/** What waits for it is behind every microtask that is there; unlike `queueMicrotask` it tracks nothing. */
const settled = Promise.resolve();

export class Scheduler {
  readonly #queue = new TinyQueue<Entry>([], inOrder);
  #sequence = 0;
  #steps = 0;

  constructor(private readonly dice: Dice, public nowMs: number) {}

  /** Actions run so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Runs an action `delayMs` of virtual time from now; the answer takes it back. */
  at(delayMs: number, action: () => void): () => void {
    const entry: Entry = { atMs: this.nowMs + Math.max(0, delayMs), tie: this.dice.next(), sequence: this.#sequence++, action };
    this.#queue.push(entry);
    return () => { entry.action = null; };
  }

  /** Runs what is due up to a time, or until `isDone` says so after an action. Rejects with what an action throws. */
  run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.nowMs = Math.max(this.nowMs, untilMs);
        resolve();
      };
      // A tick runs when the queue of microtasks is empty: that is what tells that an action has had all its effects.
      const next = (): void => { process.nextTick(step); };
      const step = (): void => {
        try {
          for (;;) {
            const entry = this.#queue.peek();
            if (entry === undefined || entry.atMs > untilMs) return finish();
            this.#queue.pop();
            if (entry.action === null) continue;
            this.nowMs = Math.max(this.nowMs, entry.atMs);
            this.#steps += 1;
            entry.action();
            break;
          }
          if (isDone()) return resolve();
          void settled.then(next);
        } catch (error) {
          reject(error as Error);
        }
      };
      next();
    });
  }
}
