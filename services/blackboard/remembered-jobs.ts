// What is kept of ended jobs until their window has passed: tens of millions at a thousand jobs a second, most of what an
// owner holds. So they are no objects but entries of leaves, as in a tree of two levels: no change takes longer for there
// being more of them, the collector of garbage has nothing to look at, and their order depends on nothing but their ids.

import { compare, emptyId, emptyLeaf, entryBytes, entryOf, entryWords, holds, isKept, leafMax, makePlace, none, oldestOf, placeOf, readId, removeAt, removePassed, splitAt, writeEntry, writeWords, type Leaf, type RememberedJob } from './remembered-leaf.js';

export type { RememberedJob };

/** The id that is looked for; a look-up reads it once, and none is under way when the next one begins. */
const wanted = emptyId();

export class RememberedJobs {
  /** In the order of ids; none is empty, but where there is only one. */
  readonly #leaves: Leaf[] = [emptyLeaf()];
  #size = 0;
  /** The leaf that was swept last. */
  #hand = 0;

  /** With those whose window has passed and that no sweep has met yet. */
  get size(): number {
    return this.#size;
  }

  /** What is remembered of it at this time: that is a matter of what its end said, not of what was swept. */
  get(job: string, timeMs: number): RememberedJob | undefined {
    readId(job, wanted);
    const leaf = this.#leaves[this.#leafOfWanted()] as Leaf;
    const at = placeOf(leaf, wanted);
    return holds(leaf, at, wanted) && isKept(leaf, at, timeMs) ? entryOf(leaf, at) : undefined;
  }

  /** Adds it, or takes the place of what is there under its id. */
  set(entry: RememberedJob): void {
    readId(entry.job, wanted);
    const [leaf, at] = this.#placeForWanted();
    writeEntry(leaf, at, wanted, entry);
  }

  delete(job: string): void {
    readId(job, wanted);
    const index = this.#leafOfWanted();
    const leaf = this.#leaves[index] as Leaf;
    const at = placeOf(leaf, wanted);
    if (!holds(leaf, at, wanted)) return;
    removeAt(leaf, at);
    this.#removed(1, index);
  }

  /** Those that are remembered at this time, in the order of ids. */
  * values(timeMs: number): Generator<RememberedJob> {
    for (const leaf of this.#leaves) for (let at = 0; at < leaf.count; at += 1) if (isKept(leaf, at, timeMs)) yield entryOf(leaf, at);
  }

  /** Drops from one leaf, the next in turn, what the window has passed: called at each end, it meets all of them in time. */
  sweep(timeMs: number): void {
    this.#hand = (this.#hand + 1) % this.#leaves.length;
    this.#removed(removePassed(this.#leaves[this.#hand] as Leaf, timeMs), this.#hand);
  }

  /** Where the oldest was accepted that is remembered at this time; undefined: there is none. Time never goes back. */
  oldest(timeMs: number): Pick<RememberedJob, 'acceptedOffset' | 'acceptedEpoch'> | undefined {
    let oldest = none;
    for (const leaf of this.#leaves) {
      const ofLeaf = oldestOf(leaf, timeMs);
      if (ofLeaf.acceptedOffset < oldest.acceptedOffset) oldest = ofLeaf;
    }
    return oldest === none ? undefined : oldest;
  }

  /** Those that are remembered at this time as bytes, at most `countMax` of them in one piece. */
  * pack(timeMs: number, countMax: number): Generator<Buffer> {
    let piece = Buffer.allocUnsafe(countMax * entryBytes);
    let used = 0;
    for (const leaf of this.#leaves) {
      const bytes = new Uint8Array(leaf.words.buffer);
      for (let at = 0; at < leaf.count; at += 1) {
        if (!isKept(leaf, at, timeMs)) continue;
        piece.set(bytes.subarray(at * entryBytes, (at + 1) * entryBytes), used);
        used += entryBytes;
        if (used < piece.length) continue;
        yield piece;
        piece = Buffer.allocUnsafe(countMax * entryBytes);
        used = 0;
      }
    }
    if (used > 0) yield piece.subarray(0, used);
  }

  /** Adds what `pack` gave. @throws Error where the bytes are no whole number of entries. */
  addPacked(bytes: Uint8Array): void {
    if (bytes.length % entryBytes !== 0) throw new Error(`${bytes.length} bytes are no remembered jobs of ${entryBytes} each`);
    // A copy: what is part of a larger buffer may not begin where a word may.
    const words = new Uint32Array(new Uint8Array(bytes).buffer);
    for (let from = 0; from < words.length; from += entryWords) {
      const entry = words.subarray(from, from + entryWords);
      wanted.set(entry.subarray(0, wanted.length));
      const [leaf, at] = this.#placeForWanted();
      writeWords(leaf, at, entry);
    }
  }

  /** Where the entry with the wanted id is to be written: over what has the same id, else in a place that was made. */
  #placeForWanted(): readonly [Leaf, number] {
    const index = this.#leafOfWanted();
    const leaf = this.#leaves[index] as Leaf;
    const at = placeOf(leaf, wanted);
    if (holds(leaf, at, wanted)) return [leaf, at];
    this.#size += 1;
    const [target, place] = leaf.count === leafMax ? this.#split(index, at) : [leaf, at];
    makePlace(target, place);
    return [target, place];
  }

  /** In halves; behind the last entry of all, where rising ids come one after the other, with nothing in the second. */
  #split(index: number, at: number): [Leaf, number] {
    const leaf = this.#leaves[index] as Leaf;
    const isBehindAll = at === leafMax && index === this.#leaves.length - 1;
    const first = isBehindAll ? leafMax : leafMax / 2;
    const second = splitAt(leaf, first);
    this.#leaves.splice(index + 1, 0, second);
    return at < first ? [leaf, at] : [second, at - first];
  }

  #removed(count: number, index: number): void {
    this.#size -= count;
    if ((this.#leaves[index] as Leaf).count === 0 && this.#leaves.length > 1) this.#leaves.splice(index, 1);
  }

  /** The last leaf that does not begin behind the wanted id, else the first. */
  #leafOfWanted(): number {
    let low = 0;
    let high = this.#leaves.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (compare(this.#leaves[middle] as Leaf, 0, wanted) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }
}
