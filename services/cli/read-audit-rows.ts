import { parseAuditEvent, type AuditEvent } from './audit-event.js';
import type { IngressClient } from './ingress-client.js';

export interface AuditRow { readonly event: AuditEvent; readonly raw: unknown }

/** A stream that says nothing for so long has told all that is committed. */
const quietMs = 700;

/** The rows that are committed now; of an open job, those so far. */
export async function readAuditRows(client: IngressClient, job: string, options: { readonly submission?: number | undefined; readonly signal: AbortSignal }): Promise<readonly AuditRow[]> {
  const rows: AuditRow[] = [];
  const quiet = new AbortController();
  let timer = setTimeout(() => undefined, 0);
  const signal = AbortSignal.any([options.signal, quiet.signal]);
  try {
    for await (const { type, data } of client.events(`/v1/jobs/${job}/events${options.submission === undefined ? '' : `?submission=${options.submission}`}`, signal)) {
      clearTimeout(timer);
      if (type === 'end') break;
      timer = setTimeout(() => quiet.abort(), quietMs);
      rows.push(parseAuditEvent(data));
    }
  } finally {
    clearTimeout(timer);
  }
  return rows;
}
