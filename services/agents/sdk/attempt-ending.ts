// Says once that an attempt is over. The platform's signal is made only for those who ask for it: most runs are over
// before anybody does, and it costs more than such a run.

export class AttemptEnding {
  #reason: Error | null = null;
  #controller: AbortController | null = null;
  #listener: (() => void) | null = null;

  get isOver(): boolean {
    return this.#reason !== null;
  }

  /** For agents, and for what the platform does for them. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Calls back when it is over, also if it is already; the answer takes that back. One at a time. */
  onOver(listener: () => void): () => void {
    if (this.#reason !== null) listener();
    else this.#listener = listener;
    return () => { this.#listener = null; };
  }

  end(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#listener?.();
  }
}
