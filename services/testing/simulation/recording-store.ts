import { MemoryLogStore, type MemoryLogStoreOptions } from '../../runtime/log/memory/memory-log.js';
import type { CommittedPosition } from '../../runtime/log/port.js';
import { topics } from './blackboard-of-seed.js';

/** A position that a group stored, and how far the log had come by then. */
export interface SavedPosition {
  readonly group: string;
  readonly position: CommittedPosition;
  readonly verifiedNext: number;
  readonly quarantineNext: number;
  readonly logTimeMs: number;
  /** How often the positions of all groups had been lost. */
  readonly losses: number;
}

/** The log of a run, which remembers every position that a group ever stored. */
export class RecordingStore extends MemoryLogStore {
  readonly saved: SavedPosition[] = [];
  #losses = 0;

  constructor(private readonly parts: MemoryLogStoreOptions & { readonly clock: () => number }) {
    super(parts);
  }

  override save(group: string, positions: readonly CommittedPosition[]): Promise<void> {
    for (const position of positions) {
      const next = (topic: typeof position.topic): number => this.range(topic, position.partition).next;
      this.saved.push({ group, position, verifiedNext: next(topics.verified), quarantineNext: next(topics.quarantine), logTimeMs: this.parts.clock(), losses: this.#losses });
    }
    return super.save(group, positions);
  }

  override forgetPositions(): void {
    this.#losses += 1;
    super.forgetPositions();
  }
}
