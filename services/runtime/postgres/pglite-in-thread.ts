// PGlite in a thread of its own, so that the services do not stand still while it works.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { PgliteBackend } from './pglite-backend.js';

interface Waiting {
  resolve(answer: Uint8Array<ArrayBuffer>): void;
  reject(error: Error): void;
}

/** Resolves when it answers. @throws what PGlite says when it cannot open the folder. */
export async function openPgliteInThread(dataDir: string | undefined): Promise<PgliteBackend> {
  const thread = new Worker(new URL('./pglite-thread.js', import.meta.url), { workerData: { dataDir } });
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  await once(thread, 'message');
  const waiting: Waiting[] = [];
  let over: Error | null = null;
  const end = (error: Error): void => {
    over ??= error;
    for (const { reject } of waiting.splice(0)) reject(over);
  };
  thread.on('message', (answer: Uint8Array<ArrayBuffer>) => waiting.shift()?.resolve(answer));
  thread.on('error', end);
  thread.on('exit', () => end(new Error('the thread of the database has ended; what was asked of it since is not known to be done')));
  return {
    exchange: (messages) => new Promise((resolve, reject) => {
      if (over !== null) return reject(over);
      waiting.push({ resolve, reject });
      thread.postMessage(messages, [messages.buffer]);
    }),
    async close() {
      if (over === null) thread.postMessage(null);
      await exited;
    },
  };
}
