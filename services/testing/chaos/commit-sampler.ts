// Looks at the projector's watermarks a few times a second, through Postgres outages, and remembers when they moved.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../runtime/database.js';

export class CommitSampler {
  /** Partition → times at which its watermark was seen to have moved. */
  readonly committedAtMs = new Map<number, number[]>();
  readonly next = new Map<number, number>();
  #isOver = false;
  #working: Promise<void> = Promise.resolve();

  constructor(private readonly db: Pick<Database, 'query'>, private readonly topic: string) {}

  start(): void {
    this.#working = this.#look();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#working;
  }

  async look(): Promise<void> {
    for (const row of await this.db.query<{ partition: number; next_offset: number }>('SELECT partition, next_offset FROM watermarks WHERE topic = $1', [this.topic])) {
      if (Number(row.next_offset) === this.next.get(row.partition)) continue;
      this.next.set(row.partition, Number(row.next_offset));
      this.committedAtMs.set(row.partition, [...(this.committedAtMs.get(row.partition) ?? []), Date.now()]);
    }
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      await this.look().catch(() => undefined);
      await sleep(200);
    }
  }
}
