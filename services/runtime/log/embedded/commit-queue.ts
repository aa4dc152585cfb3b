// What an embedded log still has to write, in the order in which it came: a write is never durable before one that
// came earlier, and each is there whole or not at all. What comes while a commit is under way, or in the turn before
// one begins, shares the next; no timers. After a commit that fails nothing is written any more: what is on disk is
// known again only by opening it again.

import { BlackboardError } from '../../errors.js';
import type { RecordFile, StoredPosition, StoredRecord } from './record-file.js';

const commitBytesMax = 16 * 1024 * 1024;
/** So little is committed by this thread itself, since handing it to another and back takes about as long as the flush … */
const littleWritesMax = 4;
const littleBytesMax = 64 * 1024;
/** … where the last commit took no longer than this: a slow disk, or a busy thread, is left to the other one. */
const ownThreadMsMax = 1;

/** Records or positions, or both, for one commit. */
export interface Write {
  readonly records: readonly StoredRecord[];
  readonly positions: readonly StoredPosition[];
  readonly bytes: number;
}

interface Waiting {
  readonly write: Write;
  readonly resolve: () => void;
  readonly reject: (error: BlackboardError) => void;
}

export class CommitQueue {
  private waiting: Waiting[] = [];
  private committing: Promise<void> | undefined;
  private failure: { readonly reason: unknown } | undefined;
  private lastCommitMs = Infinity;

  /** `onDurable` is told of a commit before any of its writes is answered; `onBroken` once, when a commit has failed. */
  constructor(
    private readonly file: Pick<RecordFile, 'store' | 'storeNow' | 'makeRoom'>,
    private readonly onDurable: (writes: readonly Write[]) => void,
    private readonly onBroken: (error: BlackboardError) => void,
  ) {}

  get isBroken(): boolean {
    return this.failure !== undefined;
  }

  /** Resolves when it is durable. @throws BlackboardError APPEND_UNKNOWN, APPEND_REFUSED. */
  add(write: Write): Promise<void> {
    return new Promise((resolve, reject) => {
      this.checkWhole();
      this.waiting.push({ write, resolve, reject });
      this.committing ??= this.commitAll();
    });
  }

  /** @throws BlackboardError APPEND_REFUSED: a commit has failed. */
  checkWhole(): void {
    if (this.failure !== undefined) throw this.brokenError('APPEND_REFUSED');
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    await this.committing;
  }

  private async commitAll(): Promise<void> {
    // At the end of this turn, behind what it has still to deliver: what that leads to shares the commit.
    await new Promise<void>((resolve) => { setImmediate(resolve); });
    while (this.waiting.length > 0) {
      const group = this.takeGroup();
      const writes = group.map(({ write }) => write);
      const isLittle = writes.length <= littleWritesMax && writes.reduce((sum, { bytes }) => sum + bytes, 0) <= littleBytesMax;
      try {
        // Not awaited where there is nothing to await: a turn less until readers see it.
        const stored = this.store(writes, isLittle);
        if (stored !== undefined) await stored;
      } catch (error) {
        this.failure = { reason: error };
        for (const { reject } of group) reject(this.brokenError('APPEND_UNKNOWN'));
        for (const { reject } of this.waiting.splice(0)) reject(this.brokenError('APPEND_REFUSED'));
        this.onBroken(this.brokenError('APPEND_UNKNOWN'));
        break;
      }
      this.onDurable(writes);
      for (const { resolve } of group) resolve();
      // Where much is written, that and not the disk's latency is what takes its time.
      const room = isLittle ? this.file.makeRoom() : undefined;
      if (room !== undefined) await room;
    }
    this.committing = undefined;
  }

  private store(writes: readonly Write[], isLittle: boolean): Promise<void> | undefined {
    const startedMs = performance.now();
    const took = (): void => { this.lastCommitMs = performance.now() - startedMs; };
    const commit = { records: writes.flatMap(({ records }) => records), positions: writes.flatMap(({ positions }) => positions) };
    if (!isLittle || this.lastCommitMs > ownThreadMsMax) return this.file.store(commit).then(took);
    this.file.storeNow(commit);
    took();
    return undefined;
  }

  private takeGroup(): readonly Waiting[] {
    let count = 0;
    for (let bytes = 0; count < this.waiting.length && bytes < commitBytesMax; count += 1) bytes += (this.waiting[count] as Waiting).write.bytes;
    return this.waiting.splice(0, count);
  }

  private brokenError(code: 'APPEND_REFUSED' | 'APPEND_UNKNOWN'): BlackboardError {
    const outcome = code === 'APPEND_REFUSED' ? 'this append is not in the log' : 'this append may be in the log or not';
    const reason = this.failure?.reason instanceof Error ? this.failure.reason.message : String(this.failure?.reason);
    return new BlackboardError(code, `a write to the log failed (${reason}); ${outcome}: mend the disk, then open the log again`, {}, { cause: this.failure?.reason });
  }
}
