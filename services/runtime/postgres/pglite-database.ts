// Postgres inside this process (PGlite): embedded mode and tests. One session, so transactions run one after another;
// the caller holds the lock that keeps other processes out of the folder.

import type { messages } from '@electric-sql/pglite';
import type { Statement } from '../database.js';
import type { ListeningDatabase } from './listening-database.js';
import { openPgliteBackend, type PgliteBackend } from './pglite-backend.js';
import { openPgliteInThread } from './pglite-in-thread.js';
import { question, readAnswer, readResults, script, TransactionWriter } from './pglite-messages.js';

export interface PgliteOptions {
  /** A thread of its own takes a while to start, and lets the caller's go on while Postgres works. Default false. */
  readonly inThread?: boolean;
}

/** Opens a database in a folder (made when it is missing), or in memory when none is given. */
export async function openPgliteDatabase(dataDir?: string, { inThread = false }: PgliteOptions = {}): Promise<ListeningDatabase> {
  const session = new PgliteSession(await (inThread ? openPgliteInThread(dataDir) : openPgliteBackend(dataDir)));
  return {
    query: (sql, values) => session.query(sql, values),
    transaction: (work) => session.transaction(work),
    runAll: (statements) => session.runAll(statements),
    script: (sql) => session.script(sql),
    listen: (channel, onPayload) => session.listen(channel, onPayload),
    close: () => session.close(),
  };
}

type Row = Record<string, unknown>;

class PgliteSession implements ListeningDatabase {
  readonly #writer = new TransactionWriter();
  readonly #listeners = new Map<string, Set<(payload: string) => void>>();
  /** Settles when the last of the transactions that are open or wait has ended; others must not get in between. */
  #transactions: Promise<unknown> | null = null;
  #closing: Promise<void> | null = null;

  constructor(private readonly backend: PgliteBackend) {}

  async query<R extends Row>(sql: string, values?: readonly unknown[]): Promise<readonly R[]> {
    await this.#between();
    return this.#query(sql, values);
  }

  transaction<T>(work: (tx: Pick<ListeningDatabase, 'query'>) => Promise<T>): Promise<T> {
    const running = (this.#transactions ?? Promise.resolve()).then(() => this.#inTransaction(work));
    const ended = running.then(() => undefined, () => undefined).then(() => {
      if (this.#transactions === ended) this.#transactions = null;
    });
    this.#transactions = ended;
    return running;
  }

  async runAll(statements: readonly Statement[]): Promise<void> {
    await this.#between();
    try {
      await this.#ask(this.#writer.write(statements));
    } catch (error) {
      this.#writer.forget();
      throw error;
    }
  }

  async script(sql: string): Promise<void> {
    await this.#between();
    await this.#ask(script(sql));
  }

  async listen(channel: string, onPayload: (payload: string) => void): Promise<() => Promise<void>> {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners);
    // Another function each time: the same may listen twice.
    const listener = (payload: string): void => onPayload(payload);
    listeners.add(listener);
    await this.script(`LISTEN "${channel.replaceAll('"', '""')}"`);
    return async () => {
      if (!listeners.delete(listener) || listeners.size > 0 || this.#closing !== null) return;
      await this.script(`UNLISTEN "${channel.replaceAll('"', '""')}"`);
    };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#between().then(() => this.backend.close()));
  }

  async #between(): Promise<void> {
    while (this.#transactions !== null) await this.#transactions;
  }

  async #inTransaction<T>(work: (tx: Pick<ListeningDatabase, 'query'>) => Promise<T>): Promise<T> {
    await this.#ask(script('BEGIN'));
    try {
      const answer = await work({ query: (sql, values) => this.#query(sql, values) });
      const [result] = readResults(await this.#ask(script('COMMIT')));
      if (result?.command === 'ROLLBACK') throw new Error('the transaction was rolled back, as a statement of it had failed');
      return answer;
    } catch (error) {
      await this.#ask(script('ROLLBACK')).catch(() => undefined);
      throw error;
    }
  }

  /** Without values the text may hold several statements; the rows of the last one are answered, as `pg` does. */
  async #query<R extends Row>(sql: string, values: readonly unknown[] | undefined): Promise<readonly R[]> {
    const answer = await this.#ask(values === undefined ? script(sql) : question(sql, values));
    return (readResults(answer).at(-1)?.rows ?? []) as unknown as readonly R[];
  }

  async #ask(asked: Uint8Array<ArrayBuffer>): Promise<readonly messages.BackendMessage[]> {
    return readAnswer(await this.backend.exchange(asked), (channel, payload) => {
      for (const listener of this.#listeners.get(channel) ?? []) queueMicrotask(() => listener(payload));
    });
  }
}
