/**
 * Hands out never-reused slices of large buffers: encoded bytes must stay untouched until a send is out, and one
 * allocation per 256 KiB is cheaper than one per record.
 */
export class Slab {
  #buffer: Buffer;
  #used = 0;

  constructor(private readonly chunkBytes = 256 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(chunkBytes);
  }

  /** Calls `write(buffer, start)` until it returns an end position; a negative answer is the number of bytes missing (avsc's convention). */
  write(write: (buffer: Buffer, start: number) => number): Buffer {
    const start = this.#used;
    const end = write(this.#buffer, start);
    if (end >= 0) {
      this.#used = end;
      return this.#buffer.subarray(start, end);
    }
    const needed = this.#buffer.length - start - end;
    if (needed > this.chunkBytes / 4) {
      const own = Buffer.allocUnsafeSlow(needed);
      return own.subarray(0, write(own, 0));
    }
    this.#buffer = Buffer.allocUnsafeSlow(this.chunkBytes);
    this.#used = write(this.#buffer, 0);
    return this.#buffer.subarray(0, this.#used);
  }
}
