// The audit rows of a job that are committed now. Those of a job that has ended are all of them: its stream ends by
// itself, however long a page of it takes. That of an open one does not end: a silence stands for "all so far", or, where
// rows keep coming, that all are here which its counts spoke of when the command began.

import type { z } from 'zod';
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
  /** Of an open job: a stream that says nothing for so long has told all that is committed; the counted rows once told, it is read for so long in all. Default 5,000. */
  readonly quietMs?: number;
}

/** @throws CliError notFound, unavailable, interrupted */
export async function readAuditRows(client: IngressClient, job: string, wish: AuditWish): Promise<AuditRows> {
  const query = wish.submission === undefined ? '' : `?submission=${wish.submission}`;
  const status = readAnswer(answers.status, await client.json(`/v1/jobs/${job}${query}`, { signal: wish.signal }));
  const quietMs = status.state === 'ended' ? null : wish.quietMs ?? 5_000;
  const counted = new CountedRows(status);
  const rows: AuditRow[] = [];
  const quiet = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOpen = true;
  try {
    for await (const { type, data } of client.events(`/v1/jobs/${job}/events${query}`, AbortSignal.any([wish.signal, quiet.signal]))) {
      if (type === 'end') {
        isOpen = false;
        break;
      }
      const row = parseAuditEvent(data);
      rows.push(row);
      if (quietMs === null) continue;
      // Never anew once they are told: a busy job says something for as long as it is open.
      if (timer === undefined || !counted.areTold) {
        clearTimeout(timer);
        timer = setTimeout(() => quiet.abort(), quietMs);
      }
      counted.told(row.event.eventType);
    }
  } finally {
    clearTimeout(timer);
  }
  return { rows, isOpen };
}

/** Rows that were committed when a status was: as many of each type as it counts. */
class CountedRows {
  readonly #left: Map<string, number>;

  constructor(status: z.output<typeof answers.status>) {
    this.#left = new Map('instance' in status ? [
      ['StepRequested', status.attemptsRequested], ['AttemptFailed', status.attemptsFailed], ['StepCompleted', status.stepsCompleted], ['StepFailed', status.stepsFailed],
      ['ArtifactVerified', status.artifactsVerified], ['ArtifactRejected', status.artifactsRejected],
    ] : []);
  }

  get areTold(): boolean {
    return [...this.#left.values()].every((left) => left <= 0);
  }

  told(eventType: string): void {
    const left = this.#left.get(eventType);
    if (left !== undefined) this.#left.set(eventType, left - 1);
  }
}
