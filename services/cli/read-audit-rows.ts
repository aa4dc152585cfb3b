// The audit rows of a job that are committed now. Those of a job that has ended are all of them: its stream ends by
// itself, however long a page of it takes. That of an open one does not end; a silence stands for "all so far".

import { parseAuditEvent, type AuditEvent } from './audit-event.js';
import type { IngressClient } from './ingress-client.js';
import { answers, readAnswer } from './job-views.js';

export interface AuditRow { readonly event: AuditEvent; readonly raw: unknown }

export interface AuditRows {
  readonly rows: readonly AuditRow[];
  /** The job had not ended when they were read: more may come, and may have been on the way. */
  readonly isOpen: boolean;
}

export interface AuditWish {
  /** Offset of the submission that is meant. */
  readonly submission?: number | undefined;
  readonly signal: AbortSignal;
  /** Of an open job: a stream that says nothing for so long has told all that is committed. Default 5,000. */
  readonly quietMs?: number;
}

/** @throws CliError notFound, unavailable, interrupted */
export async function readAuditRows(client: IngressClient, job: string, wish: AuditWish): Promise<AuditRows> {
  const query = wish.submission === undefined ? '' : `?submission=${wish.submission}`;
  const status = readAnswer(answers.status, await client.json(`/v1/jobs/${job}${query}`, { signal: wish.signal }));
  const quietMs = status.state === 'ended' ? null : wish.quietMs ?? 5_000;
  const rows: AuditRow[] = [];
  const quiet = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOpen = true;
  try {
    for await (const { type, data } of client.events(`/v1/jobs/${job}/events${query}`, AbortSignal.any([wish.signal, quiet.signal]))) {
      clearTimeout(timer);
      if (type === 'end') {
        isOpen = false;
        break;
      }
      if (quietMs !== null) timer = setTimeout(() => quiet.abort(), quietMs);
      rows.push(parseAuditEvent(data));
    }
  } finally {
    clearTimeout(timer);
  }
  return { rows, isOpen };
}
