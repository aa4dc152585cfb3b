import { MemoryLogStore } from '../../runtime/log/memory/memory-log.js';
import type { CommittedPosition } from '../../runtime/log/port.js';

/** The log of a run, which remembers every position that a group ever stored. */
export class RecordingStore extends MemoryLogStore {
  readonly saved: { readonly group: string; readonly position: CommittedPosition }[] = [];

  override save(group: string, positions: readonly CommittedPosition[]): Promise<void> {
    for (const position of positions) this.saved.push({ group, position });
    return super.save(group, positions);
  }
}
