// Says on stderr that something takes its time, from the second second on; stdout stays untouched.

import type { Terminal } from './terminal.js';

const quietMs = 2000;

/** Runs `work`; while it runs longer than two seconds, says what it is about. */
export async function withProgress<T>(terminal: Terminal, what: string, work: () => Promise<T>): Promise<T> {
  const startedAtMs = Date.now();
  let said = false;
  const timer = setInterval(() => {
    const elapsedS = Math.floor((Date.now() - startedAtMs) / 1000);
    if (elapsedS * 1000 < quietMs) return;
    if (terminal.isErrInteractive) terminal.err(`\r\u001b[2K${what} … ${elapsedS} s`);
    else if (!said) terminal.err(`${what} …\n`);
    said = true;
  }, 500);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (said && terminal.isErrInteractive) terminal.err('\r\u001b[2K');
  }
}
