// Who waits for a heartbeat that was sent after a moment. kafkajs tells of a heartbeat's success, not of when it was
// sent; its network events do, by how long the request took. Moments are on the monotonic clock: a wall clock that is
// set back must not make anybody wait for it to catch up.

import type { Consumer } from 'kafkajs';

interface Waiter {
  readonly afterMs: number;
  resolve(): void;
  reject(error: Error): void;
}

/** Durations are whole milliseconds. */
const roundingMs = 1;

export class HeartbeatWaiters {
  #waiters: Waiter[] = [];
  #sentAtMs = -Infinity;

  constructor(consumer: Consumer) {
    consumer.on(consumer.events.REQUEST, ({ payload }) => {
      if (payload.apiName === 'Heartbeat') this.#sentAtMs = performance.now() - Math.max(0, payload.duration) - roundingMs;
    });
    consumer.on(consumer.events.HEARTBEAT, () => this.#succeeded());
  }

  /** Resolves when a heartbeat that is sent later than now succeeds. */
  next(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ afterMs: performance.now(), resolve, reject }));
  }

  reject(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters = [];
  }

  #succeeded(): void {
    const due = this.#waiters.filter((waiter) => waiter.afterMs < this.#sentAtMs);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.afterMs >= this.#sentAtMs);
    for (const waiter of due) waiter.resolve();
  }
}
