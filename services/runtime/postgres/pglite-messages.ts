// What is said to PGlite and how its answers are read, by its own serializer and parser. Each function is one exchange.

import { messages, parse, protocol, type Results } from '@electric-sql/pglite';
import type { Statement } from '../database.js';
import { joined } from './pglite-backend.js';
import { parseBytes, parseWholeNumber, typeIds } from './value-parsers.js';

const { serialize } = protocol;
const parsers = { [typeIds.bigint]: parseWholeNumber, [typeIds.bytea]: parseBytes };

/** Statements without values, in one text. */
export function script(sql: string): Uint8Array<ArrayBuffer> {
  return joined([serialize.query(sql)]);
}

/** A statement that is planned for its values and for the tables as they are. */
export function question(sql: string, values: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return joined([serialize.parse({ text: sql }), serialize.bind({ values: values.map(asText) }), serialize.describe({ type: 'P' }), serialize.execute(), serialize.sync()]);
}

/**
 * Writes transactions for one session, and remembers what that session has prepared. Statements are bound and executed
 * one behind the other, and the sync behind them commits; whatever fails, Postgres skips the rest and rolls all back.
 */
export class TransactionWriter {
  readonly #prepared = new Map<string, string>();
  #names = 0;

  /** To be run in the order of the calls. */
  write(statements: readonly Statement[]): Uint8Array<ArrayBuffer> {
    const parts: Uint8Array[] = [];
    for (const { sql, values = [], copy } of statements) {
      let name = this.#prepared.get(sql);
      if (name === undefined) {
        this.#prepared.set(sql, name = `transaction_${this.#names++}`);
        parts.push(serialize.parse({ name, text: sql }));
      }
      parts.push(serialize.bind({ statement: name, values: values.map(asText) }), serialize.execute());
      // A view does as well as the whole buffer that it asks for.
      if (copy !== undefined) parts.push(serialize.copyData(copy as unknown as ArrayBuffer), serialize.copyDone());
    }
    parts.push(serialize.sync());
    return joined(parts);
  }

  /** After an error nobody knows which of the new statements were prepared: all are again, under other names. */
  forget(): void {
    this.#prepared.clear();
  }
}

/**
 * What was answered, for `readResults`.
 * @throws DatabaseError what Postgres refused.
 */
export function readAnswer(answer: Uint8Array<ArrayBuffer>, onNotification: (channel: string, payload: string) => void): readonly messages.BackendMessage[] {
  const rest: messages.BackendMessage[] = [];
  const errors: messages.DatabaseError[] = [];
  new protocol.Parser().parse(answer, (message) => {
    if (message instanceof messages.DatabaseError) errors.push(message);
    else if (message instanceof messages.NotificationResponseMessage) onNotification(message.channel, message.payload);
    else rest.push(message);
  });
  const [first] = errors;
  if (first !== undefined) throw first;
  return rest;
}

/** One per statement. Not for transactions: nobody asks there what the rows are of. */
export function readResults(answer: readonly messages.BackendMessage[]): readonly Results[] {
  return parse.parseResults([...answer], parsers);
}

/** As `pg` does; bytes go as they are. */
function asText(value: unknown): string | Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `{${value.map(asElement).join(',')}}`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function asElement(value: unknown): string {
  const text = asText(value);
  if (text === null) return 'NULL';
  if (typeof text !== 'string') return `"\\\\x${Buffer.from(text).toString('hex')}"`;
  return Array.isArray(value) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
