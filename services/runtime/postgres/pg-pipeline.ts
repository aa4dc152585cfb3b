// A transaction in one write and one answer: all statements go out before the first is answered, and the sync behind
// them commits. Whatever fails, the server skips the rest and rolls all of it back.

import type pg from 'pg';
import type { Statement } from '../database.js';

/** What `pg` offers to a query that writes its own messages. */
interface Connection {
  readonly stream: { cork(): void; uncork(): void; write(bytes: Buffer): void };
  parse(query: { name: string; text: string; types: readonly number[] }): void;
  bind(query: { statement: string; values: readonly unknown[] }): void;
  execute(query: object): void;
  sync(): void;
  endCopyFrom(): void;
}

/** Of a CopyData message: `pg` would copy its bytes into one of its own. */
function copyHeader(bytes: number): Buffer {
  const header = Buffer.from('d\0\0\0\0', 'latin1');
  header.writeInt32BE(4 + bytes, 1);
  return header;
}

/** Names of the statements that a connection has prepared, by their texts. */
const prepared = new WeakMap<object, Map<string, string>>();

/** Resolves when all is committed. After an error the connection must not be used again. */
export function runPipeline(client: pg.ClientBase, statements: readonly Statement[]): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new Pipeline(statements, (error) => (error === null ? resolve() : reject(error))));
  });
}

class Pipeline implements pg.Submittable {
  constructor(private readonly statements: readonly Statement[], public callback: (error: Error | null) => void) {}

  submit(connection: pg.Connection): void {
    const to = connection as unknown as Connection;
    to.stream.cork();
    try {
      for (const { sql, values = [], copy } of this.statements) {
        to.bind({ statement: nameOf(sql, to), values: values.map((value) => (typeof value === 'number' ? String(value) : value)) });
        to.execute({});
        if (copy === undefined) continue;
        to.stream.write(copyHeader(copy.length));
        to.stream.write(copy);
        to.endCopyFrom();
      }
      to.sync();
    } finally {
      to.stream.uncork();
    }
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(null);
  }

  // Rows and counts of the statements are nobody's; bytes to copy are on their way already.
  handleRowDescription(): void { /* nobody's */ }
  handleDataRow(): void { /* nobody's */ }
  handleCommandComplete(): void { /* nobody's */ }
  handleEmptyQuery(): void { /* nobody's */ }
  handleCopyInResponse(): void { /* sent already */ }
}

function nameOf(sql: string, connection: Connection): string {
  let names = prepared.get(connection);
  if (names === undefined) prepared.set(connection, names = new Map());
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = `pipeline_${names.size}`;
  names.set(sql, name);
  connection.parse({ name, text: sql, types: [] });
  return name;
}
