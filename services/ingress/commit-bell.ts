// Wakes those who wait for committed rows: at once where the projector can be heard, otherwise by looking again after
// a while. A ring may be lost or be for another job: whoever is woken looks, and may wait on.

/** On which the projector notifies of its commits. */
export const committedChannel = 'blackboard_committed';

export type Unsubscribe = () => void;
/** Calls `listener` after each commit of the projector; lost or extra calls do no harm. */
export type OnCommitted = (listener: () => void) => Unsubscribe;

export class CommitBell {
  readonly #waiting = new Set<() => void>();
  readonly #unsubscribe: Unsubscribe;
  readonly #lookAgainMs: number;
  #isClosed = false;
  #rings = 0;

  /** `lookAgainMs`: longest wait without a ring. */
  constructor(onCommitted: OnCommitted | undefined, lookAgainMs: number = onCommitted === undefined ? 250 : 1000) {
    this.#lookAgainMs = lookAgainMs;
    this.#unsubscribe = onCommitted?.(() => this.#ring()) ?? (() => {});
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How often it has rung: who compares knows whether it rang meanwhile. */
  get rings(): number {
    return this.#rings;
  }

  /** Those who wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves at the next ring, or after `waitMs`, or after the time to look again, or when `signal` aborts. */
  next(waitMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, Math.min(waitMs, this.#lookAgainMs)));
      signal?.addEventListener('abort', done, { once: true });
      this.#waiting.add(done);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#ring();
  }

  #ring(): void {
    this.#rings += 1;
    for (const done of [...this.#waiting]) done();
  }
}
