// Keeps zeros written behind the pages that an LMDB file uses. A flush that makes the file longer waits for the file
// system's journal, and so for whatever else goes on on that disk; one that fills space which is there does not.
// LMDB finds its pages by its own count and never looks at the file's length: what is behind them is no part of it.

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

const roomBytesMin = 1024 * 1024;
const stepBytes = 4 * 1024 * 1024;
const chunkBytes = 256 * 1024;
/** Commits between two looks. */
const lookEvery = 16;

export class RoomAhead {
  private commits = 0;
  /** Of the file, when it was last looked at: it only grows. */
  private sizeBytes = 0;
  private isGivenUp = false;

  constructor(private readonly path: string, private readonly usedBytes: () => number) {}

  /** Whether it is worth calling `make`; to be asked once after each commit. */
  isDue(): boolean {
    return !this.isGivenUp && this.commits++ % lookEvery === 0 && this.isShort();
  }

  /** Nobody may write to the file until it resolves. Where there is no room to be had, commits go on without. */
  async make(): Promise<void> {
    try {
      const file = await open(this.path, 'r+');
      try {
        await this.extend(file);
      } finally {
        await file.close();
      }
    } catch {
      // A full disk, most likely: the commit that needs the space will say so.
      this.isGivenUp = true;
    }
  }

  private async extend(file: FileHandle): Promise<void> {
    this.sizeBytes = (await file.stat()).size;
    if (!this.isShort()) return;
    const zeros = Buffer.alloc(chunkBytes);
    const untilBytes = this.sizeBytes + stepBytes;
    for (; this.sizeBytes < untilBytes; this.sizeBytes += chunkBytes) await file.write(zeros, 0, chunkBytes, this.sizeBytes);
    await file.datasync();
  }

  private isShort(): boolean {
    return this.sizeBytes - this.usedBytes() < roomBytesMin;
  }
}
