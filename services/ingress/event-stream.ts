// A job's committed audit rows as server-sent events, in the order of the log. The id of an event is its offset, so a
// reader that comes back with Last-Event-ID goes on without a gap or a repeat. The stream ends after the job's end.
// Rows are read only as fast as the caller takes them; a heartbeat shows that the line is alive.

import type { ServerResponse } from 'node:http';
import type { CommitBell } from './commit-bell.js';
import type { AuditEvent } from './job-reader.js';

export interface EventStream {
  readonly response: ServerResponse;
  /** Rows behind an offset, at most `pageRows` of them. */
  readonly read: (after: number) => Promise<readonly AuditEvent[]>;
  readonly bell: CommitBell;
  /** Offset of the last event that the caller has; -1: none. */
  readonly after: number;
  /** The end of the job is committed: whoever has all rows already is told so, and not kept waiting for more. */
  readonly isEnded?: boolean;
  /** Default 15,000. */
  readonly heartbeatMs?: number;
}

export const pageRows = 100;
const end = 'event: end\ndata: {}\n\n';

/** Resolves when the job has ended or the caller has gone; rejects when the rows cannot be read. */
export async function streamEvents(stream: EventStream): Promise<void> {
  const { response, bell } = stream;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  response.write('retry: 1000\n\n');
  const heartbeatMs = stream.heartbeatMs ?? 15_000;
  let after = stream.after;
  let lastWriteAtMs = Date.now();
  const write = async (text: string): Promise<void> => {
    lastWriteAtMs = Date.now();
    if (!response.write(text)) await drained(response, gone.signal);
  };
  while (!gone.signal.aborted && !bell.isClosed) {
    const { rings } = bell;
    const rows = await stream.read(after);
    for (const row of rows) {
      after = row.offset;
      await write(`id: ${row.offset}\nevent: ${row.eventType}\ndata: ${JSON.stringify(row)}\n\n`);
      if (row.eventType === 'JobEnded') return void response.end(end);
      if (gone.signal.aborted) return;
    }
    if (rows.length === 0 && stream.isEnded === true) return void response.end(end);
    if (rows.length === pageRows) continue;
    const leftMs = lastWriteAtMs + heartbeatMs - Date.now();
    if (leftMs <= 0) await write(': beat\n\n');
    // What rang while the rows were read may be no part of them.
    else if (bell.rings === rings) await bell.next(leftMs, gone.signal);
  }
  response.end();
}

function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  if (gone.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.removeListener('drain', done);
      gone.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    gone.addEventListener('abort', done, { once: true });
  });
}
