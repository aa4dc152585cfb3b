// How long to leave a leader alone after an answer, so that what comes next comes in company. A fetch costs broker and
// reader nearly as much when it brings little, and so does what it brings at every stage behind it: with readers that
// never paused, two cores were busy (1.85 of them) at 300 jobs/s, where 1,300 jobs/s are what they can do. Where little
// comes, nothing waits.

/** Time over which the rate is smoothed, ms. */
const memoryMs = 50;
/** Nothing waits longer than this for company, ms. */
const pauseMsMax = 12;
/** Records that must be likely to come in such a pause for it to be worth one. More than a job that runs alone makes. */
const companyMin = 32;
/** Records that are company enough. */
const companyEnough = 64;

/** The pace of the fetches of one reader to one leader. */
export class FetchPace {
  /** Records per ms. */
  #rate = 0;
  #answeredAtMs: number | null = null;

  /** @param nowMs when the answer came, monotonic. @returns ms from then until the next fetch, 0 for at once. */
  pauseMs(records: number, nowMs: number): number {
    const sinceMs = this.#answeredAtMs === null ? memoryMs : nowMs - this.#answeredAtMs;
    this.#answeredAtMs = nowMs;
    // Of an exponential average over unequal times; an answer on the heels of another adds what it holds all the same.
    const kept = Math.exp(-sinceMs / memoryMs);
    const weight = sinceMs > 0 ? (1 - kept) / sinceMs : 1 / memoryMs;
    this.#rate = this.#rate * kept + records * weight;
    if (records === 0 || this.#rate * pauseMsMax < companyMin) return 0;
    return Math.min(pauseMsMax, companyEnough / this.#rate);
  }
}
