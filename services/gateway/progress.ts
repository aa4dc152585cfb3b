// How far the gateway has read `bb.verified`. A request may arrive before the fact that allows it has been read;
// it then waits here, bounded in time and number.

export const progressLimits = { waitMsMax: 2000, waitersMax: 2000 } as const;

interface Waiter {
  readonly holds: () => boolean;
  readonly resolve: (held: boolean) => void;
}

export class Progress {
  readonly #next = new Map<number, number>();
  readonly #waiters = new Set<Waiter>();

  /** Offset that is read next; 0 before the first record. */
  next(partition: number): number {
    return this.#next.get(partition) ?? 0;
  }

  /** Everything of a partition below `next` has been read. */
  advance(partition: number, next: number): void {
    this.#next.set(partition, Math.max(next, this.next(partition)));
    for (const waiter of this.#waiters) if (waiter.holds()) waiter.resolve(true);
  }

  /** True as soon as `holds` does, false after `waitMs` or when too many wait already. */
  until(holds: () => boolean, waitMs: number = progressLimits.waitMsMax): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    if (this.#waiters.size >= progressLimits.waitersMax) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (held: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(held);
      };
      const waiter: Waiter = { holds, resolve: finish };
      const timer = setTimeout(() => finish(false), waitMs);
      this.#waiters.add(waiter);
    });
  }

  /** Lets all who wait go. */
  close(): void {
    for (const waiter of this.#waiters) waiter.resolve(false);
  }
}
