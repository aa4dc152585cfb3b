// PGlite as what a Postgres server is to a client: messages in, messages out. Each exchange is run to its end before
// the next one begins, in the order of the calls.

import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';

export interface PgliteBackend {
  /** Answers what Postgres says to these messages. Their memory is handed over: the caller must not use it again. */
  exchange(messages: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** In this thread. In a folder (made when it is missing), or in memory when none is given. */
export async function openPgliteBackend(dataDir: string | undefined): Promise<PgliteBackend> {
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const pglite = await PGlite.create(dataDir === undefined ? {} : { dataDir });
  return {
    async exchange(messages) {
      const parts: Uint8Array[] = [];
      // What comes is PGlite's own memory.
      await pglite.execProtocolRawStream(messages, { syncToFs: false, onRawData: (part) => void parts.push(part.slice()) });
      return joined(parts);
    },
    close: () => pglite.close(),
  };
}

/** In memory of its own, which can be handed to another thread. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
