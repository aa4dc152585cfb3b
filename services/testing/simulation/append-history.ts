// What every client of the log was told about every append: the side of the story that the log is checked against.

import type { AppendBatch } from '../../runtime/log/port.js';

export interface AppendEntry {
  readonly process: string;
  readonly batch: AppendBatch;
  /** `pending`: nobody was told anything; the same as unknown. */
  outcome: 'pending' | 'acknowledged' | 'refused' | 'unknown';
  baseOffset: number;
}

export class AppendHistory {
  readonly entries: AppendEntry[] = [];

  begin(process: string, batch: AppendBatch): AppendEntry {
    const entry: AppendEntry = { process, batch, outcome: 'pending', baseOffset: -1 };
    this.entries.push(entry);
    return entry;
  }
}
