// Questions to a model, each asked and paid once. An agent whose connection breaks asks again, and so does the process
// that takes over its attempt: they get the answer that the first question brought. A question goes on, whoever waits
// for it, while the attempt is open that it was asked under: nobody knows when the next will come for it. Answers are
// kept while there is room; a gateway that starts again remembers none.

/** How often a question that nobody waits for looks whether somebody still may. */
const lookEveryMs = 1_000;
const answersBytesMax = 32 * 1024 * 1024;
/** What keeping an answer takes beside its text, about. */
const overheadBytes = 1_024;

/** The questions of one grant, by number and content. */
export type AsksOfGrant = Map<string, Ask>;

/** One who waits for an answer. */
export interface Waiting {
  /** Aborts when it does not wait any more. */
  readonly leaves: AbortSignal;
  /** Whether it may come again after that. */
  mayReturn(): boolean;
}

/** One question: the first who wants the answer has it asked, and all get the same one. */
export class Ask {
  #answer: Promise<string> | null = null;
  #isAnswered = false;
  #waiting = 0;
  #looking: NodeJS.Timeout | undefined;
  readonly #abort = new AbortController();

  constructor(private readonly onBegun: (answer: Promise<string>) => void) {}

  get isCancelled(): boolean {
    return this.#abort.signal.aborted;
  }

  /** @param waiting who has not left yet. */
  answer({ leaves, mayReturn }: Waiting, put: (signal: AbortSignal) => Promise<string>): Promise<string> {
    clearInterval(this.#looking);
    this.#waiting += 1;
    leaves.addEventListener('abort', () => {
      this.#waiting -= 1;
      if (this.#waiting > 0 || this.#isAnswered) return;
      const look = (): void => { if (!mayReturn()) this.cancel(); };
      this.#looking = setInterval(look, lookEveryMs).unref();
      look();
    }, { once: true });
    if (this.#answer === null) {
      this.#answer = put(this.#abort.signal).finally(() => {
        this.#isAnswered = true;
        clearInterval(this.#looking);
      });
      this.onBegun(this.#answer);
    }
    return this.#answer;
  }

  cancel(): void {
    clearInterval(this.#looking);
    this.#abort.abort();
  }
}

export interface AsksOptions {
  /** Whether a failure is the answer, for all who ask that again. */
  isAnswer(error: unknown): boolean;
  /** Of all answers that are kept, the oldest of which go first. Default 32 MiB. */
  readonly bytesMax?: number;
}

/** The questions of a gateway. */
export class Asks {
  readonly #underWay = new Set<Ask>();
  readonly #kept = new Map<Ask, { readonly bytes: number; forget(): void }>();
  #bytes = 0;

  constructor(private readonly options: AsksOptions) {}

  /** Notes a question that a grant has none of yet; nothing is asked before somebody wants its answer. */
  add(asks: AsksOfGrant, name: string): Ask {
    const ask = new Ask((answer) => void this.#follow(ask, answer, () => asks.delete(name)));
    asks.set(name, ask);
    return ask;
  }

  close(): void {
    for (const ask of this.#underWay) ask.cancel();
  }

  async #follow(ask: Ask, answer: Promise<string>, forget: () => void): Promise<void> {
    this.#underWay.add(ask);
    try {
      const bytes = overheadBytes + (await answer).length;
      this.#kept.set(ask, { bytes, forget });
      this.#bytes += bytes;
      this.#makeRoom();
    } catch (error) {
      if (ask.isCancelled || !this.options.isAnswer(error)) forget();
    } finally {
      this.#underWay.delete(ask);
    }
  }

  #makeRoom(): void {
    for (const [ask, { bytes, forget }] of this.#kept) {
      if (this.#bytes <= (this.options.bytesMax ?? answersBytesMax)) return;
      this.#kept.delete(ask);
      this.#bytes -= bytes;
      forget();
    }
  }
}
