// One system under measurement, in a process of its own: asked a line of JSON at a time, ended by closing its stdin.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Figures, Measurement } from './w3/measure.js';
import type { Answer } from './w3/serve.js';

const stderrKept = 4_000;

export class Driver {
  static readonly #running = new Set<Driver>();
  #stderr = '';
  readonly #lines: AsyncIterator<string>;

  private constructor(readonly name: string, private readonly child: ChildProcess, reader: Interface) {
    this.#lines = reader[Symbol.asyncIterator]();
    Driver.#running.add(this);
    child.once('exit', () => Driver.#running.delete(this));
    child.stderr?.on('data', (chunk: Buffer) => { this.#stderr = (this.#stderr + chunk.toString()).slice(-stderrKept); });
  }

  /** @param program below bench/, `.js` compiled or `.mjs`. @throws naming what the program said when it cannot start. */
  static async start(name: string, program: URL, setup: object, deadlineMs = 120_000): Promise<{ driver: Driver; about: readonly string[] }> {
    const env = { ...process.env, BENCH_SETUP: JSON.stringify(setup), BENCH_BUILD: new URL('../', import.meta.url).href, NODE_ENV: 'production' };
    // A group of its own: a driver that must be killed takes the processes with it that it has started.
    const child = spawn(process.execPath, [fileURLToPath(program)], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const driver = new Driver(name, child, createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }));
    const answer = await driver.#answer(deadlineMs);
    if ('ready' in answer) return { driver, about: answer.ready };
    driver.#kill();
    throw new Error(`did not start: ${'error' in answer ? answer.error : JSON.stringify(answer)}`);
  }

  /** @throws when the system fails, ends, or takes longer than the deadline; it is then of no further use. */
  async measure(what: Measurement, deadlineMs: number): Promise<Figures> {
    this.child.stdin?.write(`${JSON.stringify(what)}\n`);
    const answer = await this.#answer(deadlineMs);
    if ('figures' in answer) return answer.figures;
    throw new Error(`${what.measure}: ${'error' in answer ? answer.error : JSON.stringify(answer)}`);
  }

  static async stopAll(): Promise<void> {
    await Promise.all([...Driver.#running].map((driver) => driver.stop()));
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.stdin?.end();
    const timer = setTimeout(() => this.#kill(), 30_000);
    await exited;
    clearTimeout(timer);
  }

  #kill(): void {
    try {
      process.kill(-(this.child.pid as number), 'SIGKILL');
    } catch {
      // It has ended, and all that it had started.
    }
  }

  async #answer(deadlineMs: number): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#kill();
        reject(new Error(`${this.name} gave no answer within ${deadlineMs / 1000} s; it said: ${this.#stderr}`));
      }, deadlineMs);
    });
    try {
      for (;;) {
        const { value, done } = await Promise.race([this.#lines.next(), overdue]);
        if (done === true) throw new Error(`${this.name} ended (${this.child.exitCode ?? this.child.signalCode}); it said: ${this.#stderr}`);
        // Libraries may write lines of their own.
        if (value.startsWith('{"ready"') || value.startsWith('{"figures"') || value.startsWith('{"error"')) return JSON.parse(value) as Answer;
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
