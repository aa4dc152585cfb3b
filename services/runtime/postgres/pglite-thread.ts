// What runs in the thread that `openPgliteInThread` starts: each message is an exchange, answered in order; null closes.

import { parentPort, workerData } from 'node:worker_threads';
import { openPgliteBackend } from './pglite-backend.js';

if (parentPort === null) throw new Error('this file is started by openPgliteInThread, as a thread of its process');
const port = parentPort;
const backend = await openPgliteBackend((workerData as { readonly dataDir: string | undefined }).dataDir);

// What is thrown here ends the thread, and its owner is told.
port.on('message', (messages: Uint8Array<ArrayBuffer> | null) => {
  if (messages === null) void backend.close().then(() => port.close());
  else void backend.exchange(messages).then((answer) => port.postMessage(answer, [answer.buffer]));
});
port.postMessage(null);
