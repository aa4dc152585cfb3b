// The clock and the timers of the platform in virtual time, for agents that were not written for a simulation. What
// goes around the globals (node:crypto, node:timers/promises, sockets, files) is out of reach: it shows as a run that
// cannot be repeated, or as an agent that never answers.

export interface VirtualTime {
  /** Of the process whose code asks. */
  nowMs(): number;
  /** In that process; the answer takes it back. */
  later(delayMs: number, action: () => void): () => void;
}

type Callback = (...args: readonly unknown[]) => void;

/** Puts virtual time in place of the machine's; the answer puts the machine's back. */
export function installVirtualTime(time: VirtualTime): () => void {
  const globals = globalThis as unknown as Record<string, unknown>;
  const names = ['Date', 'setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'] as const;
  const real = names.map((name) => [name, globals[name]] as const);
  const performanceNow = performance.now.bind(performance);
  const abortTimeout = AbortSignal.timeout.bind(AbortSignal);
  const startedMs = time.nowMs();
  globals['Date'] = virtualDate(time);
  performance.now = () => time.nowMs() - startedMs;
  globals['setTimeout'] = (run: Callback, delayMs = 0, ...args: readonly unknown[]) => new VirtualTimer(time, { run: () => run(...args), delayMs, repeats: false });
  globals['setInterval'] = (run: Callback, delayMs = 0, ...args: readonly unknown[]) => new VirtualTimer(time, { run: () => run(...args), delayMs, repeats: true });
  globals['setImmediate'] = (run: Callback, ...args: readonly unknown[]) => new VirtualTimer(time, { run: () => run(...args), delayMs: 0, repeats: false });
  const clear = (timer: unknown): void => { if (timer instanceof VirtualTimer) timer.close(); };
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate'] as const) globals[name] = clear;
  AbortSignal.timeout = (delayMs) => {
    const abort = new AbortController();
    time.later(delayMs, () => abort.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')));
    return abort.signal;
  };
  return () => {
    for (const [name, value] of real) globals[name] = value;
    performance.now = performanceNow;
    AbortSignal.timeout = abortTimeout;
  };
}

class VirtualTimer {
  #cancel: () => void;

  constructor(private readonly time: VirtualTime, private readonly what: { readonly run: () => void; readonly delayMs: number; readonly repeats: boolean }) {
    this.#cancel = this.#start();
  }

  #start(): () => void {
    const { run, delayMs, repeats } = this.what;
    // A repeating timer of no length would hold virtual time still.
    return this.time.later(Math.max(repeats ? 1 : 0, Number(delayMs) || 0), () => {
      if (repeats) this.#cancel = this.#start();
      run();
    });
  }

  close(): this {
    this.#cancel();
    return this;
  }

  refresh(): this {
    this.#cancel();
    this.#cancel = this.#start();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

function virtualDate(time: VirtualTime): DateConstructor {
  return new Proxy(Date, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [time.nowMs()] : args, newTarget) as object,
    apply: (target) => new target(time.nowMs()).toString(),
    get: (target, property) => (property === 'now' ? () => time.nowMs() : Reflect.get(target, property) as unknown),
  });
}
