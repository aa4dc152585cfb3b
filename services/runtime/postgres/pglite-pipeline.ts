// A transaction for PGlite in one call: prepared statements are bound and executed one behind the other, and the sync
// behind them commits. Whatever fails, Postgres skips the rest and rolls all of it back.

import { protocol } from '@electric-sql/pglite';
import type { Statement } from '../database.js';

const { serialize } = protocol;

/** Writes the messages of transactions for one session, and remembers what that session has prepared. */
export class PglitePipeline {
  readonly #prepared = new Map<string, string>();
  #names = 0;

  /** To be run in the order of the calls. */
  messages(statements: readonly Statement[]): Uint8Array {
    const messages: Uint8Array[] = [];
    for (const { sql, values = [], copy } of statements) {
      messages.push(serialize.bind({ statement: this.#nameOf(sql, messages), values: values.map((value) => (typeof value === 'number' ? String(value) : value)) }), serialize.execute());
      // A view does as well as the whole buffer that it asks for.
      if (copy !== undefined) messages.push(serialize.copyData(copy as unknown as ArrayBuffer), serialize.copyDone());
    }
    messages.push(serialize.sync());
    return joined(messages);
  }

  /** After an error nobody knows which of the new statements were prepared: all are again, under other names. */
  forget(): void {
    this.#prepared.clear();
  }

  #nameOf(sql: string, messages: Uint8Array[]): string {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const name = `pipeline_${this.#names++}`;
    this.#prepared.set(sql, name);
    messages.push(serialize.parse({ name, text: sql }));
    return name;
  }
}

/** In memory of its own, which can be handed to another thread. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
