// What was read and is not committed yet, per partition and in order. Bounded by asking the reader to pause.
// It also says when that is worth a transaction: at once for what somebody may be waiting for, soon for the rest.

import type { EventType } from '../../schemas/generated/events.js';
import type { Position } from '../runtime/log/position.js';
import type { VerifiedBatch, VerifiedFact } from '../runtime/log/verified-facts.js';
import type { RowChanges } from './rows.js';

/** Consecutive records of one partition, to be written in one transaction. */
export interface Taken {
  readonly partition: number;
  readonly from: number;
  /** The partition had no stored position when it was gained, and nothing of it was committed since. */
  readonly isFirst: boolean;
  readonly to: Position;
  readonly lastAppendTimeMs: number;
  readonly changes: readonly RowChanges[];
}

export interface PartitionProgress {
  readonly partition: number;
  /** First offset without a committed row. */
  readonly next: number;
  readonly committedAtMs: number | null;
  readonly receivedAtMs: number | null;
}

/** Somebody may be waiting for the row. Not refusals: who floods the log with claims must not get a transaction for each. */
const urgentType: EventType = 'JobEnded';

interface Waiting {
  readonly facts: readonly VerifiedFact[];
  /** Null until it is projected. */
  changes: readonly RowChanges[] | null;
  readonly lastAppendTimeMs: number;
  readonly to: Position;
  readonly bytes: number;
  readonly isUrgent: boolean;
}

interface Partition {
  readonly partition: number;
  /** First offset that was not taken yet. */
  from: number;
  next: number;
  isFirst: boolean;
  waiting: Waiting[];
  committedAtMs: number | null;
  receivedAtMs: number | null;
}

export interface PendingOptions {
  /** Decodes and projects one record. */
  project(fact: VerifiedFact): RowChanges;
  readonly recordsMax: number;
  readonly bytesMax: number;
  onPressure(isHigh: boolean): void;
}

export class PendingRecords {
  readonly #options: PendingOptions;
  readonly #partitions = new Map<number, Partition>();
  #records = 0;
  #bytes = 0;
  #urgent = 0;
  /** When the first of what waits came; by `performance.now()`. */
  #sinceMs = 0;
  #isHigh = false;

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  gain(partition: number, position: Position): void {
    this.lose(partition);
    // Only a position that was stored names the record before it.
    this.#partitions.set(partition, { partition, from: position.offset, next: position.offset, isFirst: position.digest === '', waiting: [], committedAtMs: null, receivedAtMs: null });
  }

  /** Forgets what waits; what was taken goes its way, and the watermark decides. */
  lose(partition: number): void {
    const held = this.#partitions.get(partition);
    if (held === undefined) return;
    this.#partitions.delete(partition);
    for (const waiting of held.waiting) this.#release(waiting);
    this.#checkPressure();
  }

  add(batch: VerifiedBatch): void {
    const held = this.#partitions.get(batch.partition);
    if (held === undefined) return;
    const bytes = batch.records.reduce((sum, record) => sum + record.value.length, 0);
    const lastAppendTimeMs = batch.records.at(-1)?.appendTimeMs ?? 0;
    const isUrgent = batch.facts.some((fact) => fact.type === urgentType);
    held.waiting.push({ facts: batch.facts, changes: null, lastAppendTimeMs, to: batch.positionAt(batch.next), bytes, isUrgent });
    held.receivedAtMs = lastAppendTimeMs;
    if (this.#records === 0) this.#sinceMs = performance.now();
    if (isUrgent) this.#urgent += 1;
    this.#records += batch.facts.length;
    this.#bytes += bytes;
    this.#checkPressure();
  }

  /** How long what waits may go on gathering: not at all when it is many, or some of it urgent; null when nothing waits. */
  dueInMs(gatherMs: number, recordsMax: number): number | null {
    if (this.#records === 0) return null;
    return this.#urgent > 0 || this.#records >= recordsMax ? 0 : Math.max(0, this.#sinceMs + gatherMs - performance.now());
  }

  /** About `recordsMax` records, each partition in its turn, none left behind for ever; empty when nothing waits. */
  take(recordsMax: number): readonly Taken[] {
    const all: Taken[] = [];
    let count = 0;
    for (const held of [...this.#partitions.values()]) {
      if (count >= recordsMax) break;
      const changes: RowChanges[] = [];
      let last: Waiting | null = null;
      while (count < recordsMax && held.waiting.length > 0) {
        const waiting = held.waiting.shift() as Waiting;
        this.#release(waiting);
        for (const change of this.#projected(waiting)) changes.push(change);
        last = waiting;
        count += waiting.facts.length;
      }
      if (last === null) continue;
      all.push({ partition: held.partition, from: held.from, isFirst: held.isFirst, to: last.to, lastAppendTimeMs: last.lastAppendTimeMs, changes });
      held.from = last.to.offset;
      held.isFirst = false;
      // To the end of the line, so that the next batch begins with another partition.
      this.#partitions.delete(held.partition);
      this.#partitions.set(held.partition, held);
    }
    this.#checkPressure();
    return all;
  }

  /** Projects one fetch of what the next `take` will hand out, ahead of time; false when all of that is done. */
  prepare(recordsMax: number): boolean {
    let count = 0;
    for (const held of this.#partitions.values()) {
      for (const waiting of held.waiting) {
        if (count >= recordsMax) return false;
        count += waiting.facts.length;
        if (waiting.changes !== null) continue;
        this.#projected(waiting);
        return true;
      }
    }
    return false;
  }

  committed(taken: readonly Taken[]): void {
    for (const { partition, to, lastAppendTimeMs } of taken) {
      const held = this.#partitions.get(partition);
      // The partition may have been lost and gained again while its batch was under way.
      if (held === undefined || held.next > to.offset) continue;
      held.next = to.offset;
      held.committedAtMs = lastAppendTimeMs;
    }
  }

  progress(): readonly PartitionProgress[] {
    return [...this.#partitions.values()].map(({ partition, next, committedAtMs, receivedAtMs }) => ({ partition, next, committedAtMs, receivedAtMs }));
  }

  #projected(waiting: Waiting): readonly RowChanges[] {
    waiting.changes ??= waiting.facts.map((fact) => this.#options.project(fact));
    return waiting.changes;
  }

  #release(waiting: Waiting): void {
    this.#records -= waiting.facts.length;
    this.#bytes -= waiting.bytes;
    if (waiting.isUrgent) this.#urgent -= 1;
  }

  #checkPressure(): void {
    const { recordsMax, bytesMax, onPressure } = this.#options;
    const isHigh = this.#isHigh ? this.#records > recordsMax / 2 || this.#bytes > bytesMax / 2 : this.#records >= recordsMax || this.#bytes >= bytesMax;
    if (isHigh === this.#isHigh) return;
    this.#isHigh = isHigh;
    onPressure(isHigh);
  }
}
