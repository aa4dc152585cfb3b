// The offset up to which a partition may be committed: all delivered offsets below it are done. Offsets are tracked
// in the order of delivery, so the oldest open one is at the head: O(1) amortised, nothing is scanned.

/** An offset whose work is under way. */
export interface Tracked<T> {
  readonly offset: number;
  readonly value: T;
  done: boolean;
}

export class CommitWatermark<T> {
  #queue: Tracked<T>[] = [];
  #head = 0;
  #next: number;

  /** @param next the first offset that will be delivered. */
  constructor(next: number) {
    this.#next = next;
  }

  /** Notes work at an offset; offsets must rise. `value` is handed back when the watermark stands there. */
  track(offset: number, value: T): Tracked<T> {
    if (offset < this.#next) throw new Error(`offset ${offset} was tracked after ${this.#next} was delivered: offsets must rise`);
    const tracked = { offset, value, done: false };
    this.#queue.push(tracked);
    this.#next = offset + 1;
    return tracked;
  }

  /** Notes that everything below `next` has been delivered. */
  delivered(next: number): void {
    if (next > this.#next) this.#next = next;
  }

  /** Marks work as done; again is no error. */
  done(tracked: Tracked<T>): void {
    tracked.done = true;
    while (this.#queue[this.#head]?.done === true) this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  /** The lowest offset that is not done, or the next to be delivered. */
  get offset(): number {
    return this.#queue[this.#head]?.offset ?? this.#next;
  }

  /** The work that the watermark waits for; null when all that was delivered is done. */
  get oldestOpen(): Tracked<T> | null {
    return this.#queue[this.#head] ?? null;
  }

  /** Offsets behind the watermark that are tracked still. */
  get trackedCount(): number {
    return this.#queue.length - this.#head;
  }
}
