// Lanes per key: tasks of one key run one after another in the order in which they came, different keys side by
// side, at most `concurrency` at once. What waits is bounded by asking the source to pause, never by dropping.

export interface LaneTask {
  readonly key: string;
  /** What it holds in memory while it waits or runs, in bytes. */
  readonly bytes: number;
  /** Must not reject. */
  run(): Promise<void>;
}

export interface LanesOptions {
  /** Tasks that run at once at most. */
  readonly concurrency: number;
  /** Tasks (waiting or running) at which the source is asked to pause, and below which it may resume. */
  readonly countHigh: number;
  readonly countLow: number;
  /** The same for bytes. */
  readonly bytesHigh: number;
  readonly bytesLow: number;
  /** Called when the source should pause (true) or may go on (false). */
  onPressure(isHigh: boolean): void;
}

interface Lane {
  readonly waiting: LaneTask[];
  head: number;
}

export interface LanesStats {
  readonly waiting: number;
  readonly running: number;
  readonly bytes: number;
  readonly isHigh: boolean;
}

export class Lanes {
  readonly #options: LanesOptions;
  /** Lanes in which a task runs or waits. */
  readonly #lanes = new Map<string, Lane>();
  /** Keys whose next task may run, in order of arrival. */
  #ready: string[] = [];
  #readyHead = 0;
  readonly #waiting = new Set<LaneTask>();
  #running = 0;
  #bytes = 0;
  #isHigh = false;
  #idle: (() => void)[] = [];

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Queues a task behind those of its key. */
  submit(task: LaneTask): void {
    this.#waiting.add(task);
    this.#bytes += task.bytes;
    const lane = this.#lanes.get(task.key);
    if (lane !== undefined) lane.waiting.push(task);
    else {
      this.#lanes.set(task.key, { waiting: [task], head: 0 });
      this.#ready.push(task.key);
    }
    this.#pump();
    this.#checkPressure();
  }

  /** Takes back a task that waits; any other is left alone. */
  cancel(task: LaneTask): void {
    if (!this.#waiting.delete(task)) return;
    this.#bytes -= task.bytes;
    this.#checkPressure();
  }

  /** Resolves when nothing waits or runs. */
  idle(): Promise<void> {
    if (this.#waiting.size === 0 && this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  get stats(): LanesStats {
    return { waiting: this.#waiting.size, running: this.#running, bytes: this.#bytes, isHigh: this.#isHigh };
  }

  #pump(): void {
    while (this.#running < this.#options.concurrency && this.#readyHead < this.#ready.length) {
      const key = this.#ready[this.#readyHead++] ?? '';
      const task = this.#takeFrom(key);
      if (task !== null) void this.#run(key, task);
    }
    if (this.#readyHead > 1024 && this.#readyHead * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#readyHead);
      this.#readyHead = 0;
    }
  }

  /** The lane's next task that was not taken back; an empty lane is removed. */
  #takeFrom(key: string): LaneTask | null {
    const lane = this.#lanes.get(key);
    while (lane !== undefined && lane.head < lane.waiting.length) {
      const task = lane.waiting[lane.head++];
      if (task !== undefined && this.#waiting.has(task)) return task;
    }
    this.#lanes.delete(key);
    return null;
  }

  async #run(key: string, task: LaneTask): Promise<void> {
    this.#waiting.delete(task);
    this.#running += 1;
    try {
      await task.run();
    } finally {
      this.#running -= 1;
      this.#bytes -= task.bytes;
      const lane = this.#lanes.get(key);
      if (lane !== undefined && lane.head < lane.waiting.length) {
        if (lane.head > 256) lane.waiting.splice(0, lane.head), lane.head = 0;
        this.#ready.push(key);
      } else this.#lanes.delete(key);
      this.#pump();
      this.#checkPressure();
    }
  }

  #checkPressure(): void {
    const { countHigh, countLow, bytesHigh, bytesLow, onPressure } = this.#options;
    const count = this.#waiting.size + this.#running;
    if (!this.#isHigh && (count >= countHigh || this.#bytes >= bytesHigh)) {
      this.#isHigh = true;
      onPressure(true);
    } else if (this.#isHigh && count <= countLow && this.#bytes <= bytesLow) {
      this.#isHigh = false;
      onPressure(false);
    }
    if (count === 0) {
      const waiters = this.#idle;
      this.#idle = [];
      for (const resolve of waiters) resolve();
    }
  }
}
