// Up to 256 remembered jobs, 72 bytes each, in the order of their ids. An entry is its id (4 words of 32 bits), its digest
// (8), and as doubles where it was accepted, in which epoch, and until when it is remembered.

const idWords = 4;
const digestWords = 8;
const entryNumbers = 9;
export const entryWords: number = 2 * entryNumbers;
const offsetAt = 6;
const epochAt = 7;
const forgetAt = 8;

/** Of an entry, in memory and where it is written, in the machine's order of bytes. */
export const entryBytes: number = 8 * entryNumbers;

export const leafMax = 256;
const leafMin = 4;
const growth = 1.5;

/** What is kept of a job after its end, so that its id is not taken for a new one. */
export interface RememberedJob {
  /** 32 hex digits. */
  readonly job: string;
  /** 64 hex digits. */
  readonly submissionDigest: string;
  readonly acceptedOffset: number;
  readonly acceptedEpoch: number;
  /** Partition time until which it is remembered; fixed when it ended. */
  readonly forgetAtMs: number;
}

export interface Leaf {
  count: number;
  numbers: Float64Array;
  /** The same memory. */
  words: Uint32Array;
  /** What was accepted first among those that were remembered when it was looked for; null: look again. */
  oldest: Oldest | null;
  /** No entry's window passes before. */
  nextPassesMs: number;
}

export type Oldest = Pick<RememberedJob, 'acceptedOffset' | 'acceptedEpoch' | 'forgetAtMs'>;

export const none: Oldest = { acceptedOffset: Infinity, acceptedEpoch: -1, forgetAtMs: Infinity };

export function emptyLeaf(capacity: number = leafMin): Leaf {
  const numbers = new Float64Array(capacity * entryNumbers);
  return { count: 0, numbers, words: new Uint32Array(numbers.buffer), oldest: null, nextPassesMs: Infinity };
}

/** An id as its words. */
export type IdWords = Uint32Array;

export function emptyId(): IdWords {
  return new Uint32Array(idWords);
}

/** @param job 32 hex digits. */
export function readId(job: string, into: IdWords): void {
  for (let word = 0; word < idWords; word += 1) into[word] = wordOf(job, 8 * word);
}

/** Below 0: the entry's id comes before that one; 0: it is the same. */
export function compare(leaf: Leaf, at: number, id: IdWords): number {
  for (let word = 0; word < idWords; word += 1) {
    const difference = (leaf.words[at * entryWords + word] as number) - (id[word] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Of the first entry whose id does not come before that one. */
export function placeOf(leaf: Leaf, id: IdWords): number {
  let low = 0;
  let high = leaf.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(leaf, middle, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function holds(leaf: Leaf, at: number, id: IdWords): boolean {
  return at < leaf.count && compare(leaf, at, id) === 0;
}

/** Makes a place for one entry more, before the one that is at that place. The leaf is not full. */
export function makePlace(leaf: Leaf, at: number): void {
  if (leaf.count * entryNumbers === leaf.numbers.length) resize(leaf, Math.min(leafMax, Math.ceil(leaf.count * growth)));
  leaf.words.copyWithin((at + 1) * entryWords, at * entryWords, leaf.count * entryWords);
  leaf.count += 1;
}

export function removeAt(leaf: Leaf, at: number): void {
  leaf.words.copyWithin(at * entryWords, (at + 1) * entryWords, leaf.count * entryWords);
  shrinkTo(leaf, leaf.count - 1);
}

/** Removes what the window has passed; answers how many. */
export function removePassed(leaf: Leaf, timeMs: number): number {
  if (leaf.nextPassesMs > timeMs) return 0;
  let kept = 0;
  leaf.nextPassesMs = Infinity;
  for (let at = 0; at < leaf.count; at += 1) {
    if (!isKept(leaf, at, timeMs)) continue;
    leaf.nextPassesMs = Math.min(leaf.nextPassesMs, passesMsOf(leaf, at));
    if (kept !== at) leaf.words.copyWithin(kept * entryWords, at * entryWords, (at + 1) * entryWords);
    kept += 1;
  }
  const removed = leaf.count - kept;
  if (removed > 0) shrinkTo(leaf, kept);
  return removed;
}

/** Whether its window has not passed. */
export function isKept(leaf: Leaf, at: number, timeMs: number): boolean {
  return passesMsOf(leaf, at) > timeMs;
}

function passesMsOf({ numbers }: Leaf, at: number): number {
  return numbers[at * entryNumbers + forgetAt] as number;
}

export function writeEntry(leaf: Leaf, at: number, id: IdWords, entry: RememberedJob): void {
  const { words, numbers } = leaf;
  words.set(id, at * entryWords);
  for (let word = 0; word < digestWords; word += 1) words[at * entryWords + idWords + word] = wordOf(entry.submissionDigest, 8 * word);
  numbers[at * entryNumbers + offsetAt] = entry.acceptedOffset;
  numbers[at * entryNumbers + epochAt] = entry.acceptedEpoch;
  numbers[at * entryNumbers + forgetAt] = entry.forgetAtMs;
  written(leaf, at);
}

/** @param words of one entry. */
export function writeWords(leaf: Leaf, at: number, words: Uint32Array): void {
  leaf.words.set(words, at * entryWords);
  written(leaf, at);
}

function written(leaf: Leaf, at: number): void {
  leaf.oldest = null;
  leaf.nextPassesMs = Math.min(leaf.nextPassesMs, passesMsOf(leaf, at));
}

export function entryOf({ words, numbers }: Leaf, at: number): RememberedJob {
  const id = at * entryWords;
  return { job: textOf(words, id, idWords), submissionDigest: textOf(words, id + idWords, digestWords), ...acceptanceOf(numbers, at) };
}

/** What was accepted first of what is remembered at this time; `none` where nothing is. Time never goes back. */
export function oldestOf(leaf: Leaf, timeMs: number): Oldest {
  if (leaf.oldest !== null && leaf.oldest.forgetAtMs > timeMs) return leaf.oldest;
  let oldest = -1;
  let offset = Infinity;
  for (let at = 0; at < leaf.count; at += 1) {
    const accepted = leaf.numbers[at * entryNumbers + offsetAt] as number;
    if (accepted >= offset || !isKept(leaf, at, timeMs)) continue;
    oldest = at;
    offset = accepted;
  }
  return leaf.oldest = oldest < 0 ? none : acceptanceOf(leaf.numbers, oldest);
}

/** Moves what is behind the first `count` entries into a leaf of its own. */
export function splitAt(leaf: Leaf, count: number): Leaf {
  const second = emptyLeaf(leafMax);
  second.words.set(leaf.words.subarray(count * entryWords, leaf.count * entryWords));
  second.count = leaf.count - count;
  second.nextPassesMs = leaf.nextPassesMs;
  leaf.count = count;
  leaf.oldest = null;
  return second;
}

function acceptanceOf(numbers: Float64Array, at: number): Oldest {
  const number = at * entryNumbers;
  return { acceptedOffset: numbers[number + offsetAt] as number, acceptedEpoch: numbers[number + epochAt] as number, forgetAtMs: numbers[number + forgetAt] as number };
}

function shrinkTo(leaf: Leaf, count: number): void {
  leaf.count = count;
  leaf.oldest = null;
  if (2 * count * entryNumbers < leaf.numbers.length && leaf.numbers.length > leafMin * entryNumbers) resize(leaf, Math.max(leafMin, Math.ceil(count * growth)));
}

function resize(leaf: Leaf, capacity: number): void {
  const { numbers, words } = emptyLeaf(capacity);
  words.set(leaf.words.subarray(0, leaf.count * entryWords));
  leaf.numbers = numbers;
  leaf.words = words;
}

/** Eight hex digits as a number. */
function wordOf(text: string, from: number): number {
  let word = 0;
  for (let digit = from; digit < from + 8; digit += 1) {
    const code = text.charCodeAt(digit);
    word = (word << 4) | (code < 58 ? code - 48 : code - 87);
  }
  return word >>> 0;
}

function textOf(words: Uint32Array, from: number, count: number): string {
  let text = '';
  for (let word = from; word < from + count; word += 1) text += (words[word] as number).toString(16).padStart(8, '0');
  return text;
}
