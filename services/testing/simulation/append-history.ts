// What every client of the log was told about every append: the side of the story that the log is checked against.

import type { AppendBatch, LogRecord } from '../../runtime/log/port.js';

export interface AppendEntry {
  readonly process: string;
  readonly batch: AppendBatch;
  /** Virtual time. */
  readonly beganAtMs: number;
  /** For how long the process's groups had gone on without it then; 0: they had not. */
  readonly evictedMs: number;
  /** `pending`: nobody was told anything; the same as unknown. */
  outcome: 'pending' | 'acknowledged' | 'refused' | 'unknown';
  baseOffset: number;
  /** When the process heard of the outcome; -Infinity: never. */
  answeredAtMs: number;
}

/** A partition that a process was given. */
export interface Gain {
  readonly process: string;
  readonly partition: number;
  /** Appends that had begun by then. */
  readonly appends: number;
}

/** What the log gave to a member, before any fault of a careless client. */
export interface Delivery {
  /** One membership of one process. */
  readonly reader: string;
  /** Rises with each start of a partition; and where that start was. */
  readonly session: number;
  readonly startedAt: number;
  readonly records: readonly LogRecord[];
}

export class AppendHistory {
  readonly entries: AppendEntry[] = [];
  readonly gains: Gain[] = [];
  readonly deliveries: Delivery[] = [];
  memberships = 0;

  begin(process: string, batch: AppendBatch, at: Pick<AppendEntry, 'beganAtMs' | 'evictedMs'>): AppendEntry {
    const entry: AppendEntry = { process, batch, ...at, outcome: 'pending', baseOffset: -1, answeredAtMs: -Infinity };
    this.entries.push(entry);
    return entry;
  }

  gained(process: string, partitions: readonly number[]): void {
    for (const partition of partitions) this.gains.push({ process, partition, appends: this.entries.length });
  }
}
