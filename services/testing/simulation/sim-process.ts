// A process of a run: its timers and its appends go through here, so that it can be killed (what is pending never
// happens) or stopped and continued (what is pending happens late, all of it: a zombie).

import type { Clock } from '../../runtime/clock.js';
import { BlackboardError } from '../../runtime/errors.js';
import type { MemoryLog, MemoryLogStore } from '../../runtime/log/memory/memory-log.js';
import type { AppendBatch, Appended, LogPort, LogRecord, Member, Membership, PartitionRange, ReadOptions } from '../../runtime/log/port.js';
import { topics } from './blackboard-of-seed.js';
import type { Dice } from './dice.js';
import type { Faults } from './fault-kinds.js';
import { StartWatch } from '../anomalies/start-watch.js';
import type { AppendHistory } from './append-history.js';
import type { Scheduler } from './scheduler.js';

export interface ProcessSeams {
  readonly scheduler: Scheduler;
  readonly store: MemoryLogStore;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly history: AppendHistory;
}

export class SimProcess implements LogPort {
  readonly #log: MemoryLog;
  #alive = true;
  #stalled: (() => void)[] | null = null;
  #skewMs = 0;
  #evictedAtMs: number | null = null;

  constructor(readonly name: string, private readonly seams: ProcessSeams) {
    this.#log = seams.store.open();
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  get isStalled(): boolean {
    return this.#stalled !== null;
  }

  /** This process's own clock: it may step; timers do not. */
  readonly clock: Clock = {
    nowMs: () => Math.floor(this.seams.scheduler.nowMs) + this.#skewMs,
    after: (delayMs, run) => this.later(delayMs, run),
  };

  monotonicMs(): number {
    return this.seams.scheduler.nowMs;
  }

  stepClock(byMs: number): void {
    this.#skewMs += byMs;
  }

  mendClock(): void {
    this.#skewMs = 0;
  }

  /** Runs an action unless the process is dead by then; if it is stopped, once it goes on. */
  later(delayMs: number, action: () => void): () => void {
    let cancelled = false;
    this.seams.scheduler.at(delayMs, () => {
      if (!this.#alive || cancelled) return;
      if (this.#stalled !== null) this.#stalled.push(() => { if (!cancelled && this.#alive) action(); });
      else action();
    });
    return () => { cancelled = true; };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => { this.later(ms, resolve); });
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#log.crash();
  }

  stall(): void {
    if (!this.#alive || this.#stalled !== null) return;
    this.#stalled = [];
    this.#evictedAtMs = this.monotonicMs();
    this.#log.stall();
  }

  /** What was in hand goes out first; then the process learns what it has lost. */
  wake(): void {
    const inHand = this.#stalled;
    if (inHand === null || !this.#alive) return;
    this.#stalled = null;
    for (const action of inHand) action();
    this.later(this.seams.dice.between(0, 40), () => {
      this.#evictedAtMs = null;
      void this.#log.wake();
    });
  }

  async append(batch: AppendBatch): Promise<Appended> {
    const beganAtMs = this.monotonicMs();
    const entry = this.seams.history.begin(this.name, batch, { beganAtMs, evictedMs: beganAtMs - (this.#evictedAtMs ?? beganAtMs) });
    await this.#travel();
    try {
      const appended = await this.#log.append(batch);
      entry.outcome = 'acknowledged';
      entry.baseOffset = appended.baseOffset;
      await this.#travel();
      entry.answeredAtMs = this.monotonicMs();
      return appended;
    } catch (error) {
      entry.outcome = error instanceof BlackboardError && error.code === 'APPEND_REFUSED' ? 'refused' : 'unknown';
      await this.#travel();
      entry.answeredAtMs = this.monotonicMs();
      throw error;
    }
  }

  join(membership: Membership): Promise<Member> {
    const { history } = this.seams;
    const starts = new StartWatch(`${this.name}/${(history.memberships += 1)}`);
    return this.#log.join({
      ...membership,
      onAssigned: (assignment, member) => {
        starts.watch(member);
        history.gained(this.name, assignment.gained);
        membership.onAssigned(assignment, member);
      },
      onBatch: (records) => {
        const { session, startedAt } = starts.of(records[0] as LogRecord);
        history.deliveries.push({ reader: starts.reader, session, startedAt, records });
        this.#deliver(records, membership);
      },
    });
  }

  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    return this.#log.read(options);
  }

  ranges(topic: ReadOptions['topic']): Promise<readonly PartitionRange[]> {
    return this.#log.ranges(topic);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  /** The owner must cope with what a careless client does to quarantine: deliver again, or leave something out (R2). */
  #deliver(records: readonly LogRecord[], membership: Membership): void {
    const { faults, dice } = this.seams;
    if (records[0]?.topic !== topics.quarantine) return membership.onBatch(records);
    if (records.length > 1 && faults.strikes('delivery-gap')) return membership.onBatch(records.slice(dice.between(1, records.length - 1)));
    membership.onBatch(records);
    if (faults.strikes('delivery-repeated')) membership.onBatch(records);
  }

  /** What a message takes; the log itself takes some time as well. Nothing reaches a process that is stopped. */
  async #travel(): Promise<void> {
    const { dice, faults } = this.seams;
    const ms = faults.strikes('network-slow') ? dice.between(1, 400) : dice.chance(0.25) ? dice.next() * 4 : 0;
    if (ms > 0 || this.isStalled) await this.sleep(ms);
  }
}
