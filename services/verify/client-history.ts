// I2 against what clients were told. A history is JSON lines, one for each submission that was sent:
//   {"job": "32 hex digits", "tenant": "acme", "key": "idempotency key", "outcome": "acked", "partition": 3, "offset": 17}
// `outcome`: acked (2xx; partition and offset as answered), refused (an answer that says that it is not in the log),
// unknown (no answer, or one that does not tell). A key that is sent several times has several lines.
// `tenant` is empty where the client does not know the one that its API key is bound to.

import { z } from 'zod';
import type { JobAccepted } from '../../schemas/generated/events.js';
import { jobId } from '../blackboard/ids.js';
import { BlackboardError } from '../runtime/errors.js';
import type { LogRecord } from '../runtime/log/port.js';
import type { BookedClaim } from './claim-book.js';
import { shownRecord, type Findings } from './findings.js';

const line = z.object({
  job: z.string().regex(/^[0-9a-f]{32}$/, 'job: 32 hex digits'), tenant: z.string(), key: z.string(), outcome: z.enum(['acked', 'refused', 'unknown']),
  partition: z.int().min(0).nullish(), offset: z.int().min(0).nullish(),
}).refine(({ outcome, partition, offset }) => outcome !== 'acked' || (typeof partition === 'number' && typeof offset === 'number'), 'partition, offset: where an acked submission is');

/** One submission as its client saw it. */
export type HistoryEntry = z.infer<typeof line>;

interface JobHistory {
  acked: number;
  unknown: number;
  refused: number;
  accepted: number;
}

/** @throws BlackboardError INPUT_INVALID naming the line. */
export function parseHistory(text: string): readonly HistoryEntry[] {
  return text.split('\n').flatMap((one, index) => {
    if (one.trim() === '') return [];
    const parsed = line.safeParse(parseJson(one));
    if (!parsed.success) throw new BlackboardError('INPUT_INVALID', `line ${index + 1} of the history: ${parsed.error.issues[0]?.message ?? 'is no entry'}`, { line: index + 1 });
    if (parsed.data.tenant !== '' && jobId(parsed.data.tenant, parsed.data.key) !== parsed.data.job) throw new BlackboardError('INPUT_INVALID', `line ${index + 1} of the history: job is not the id of that tenant and key`, { line: index + 1 });
    return [parsed.data];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** Shown every claim and every accepted job of the log, then asked. */
export class ClientHistory {
  readonly #places = new Map<string, HistoryEntry>();
  readonly #jobs = new Map<string, JobHistory>();

  constructor(readonly entries: readonly HistoryEntry[], private readonly findings: Findings) {
    for (const entry of entries) {
      const job = this.#jobs.get(entry.job) ?? { acked: 0, unknown: 0, refused: 0, accepted: 0 };
      job[entry.outcome] += 1;
      this.#jobs.set(entry.job, job);
      if (entry.outcome === 'acked') this.#acked(entry);
    }
  }

  #acked(entry: HistoryEntry): void {
    const place = `${entry.partition}/${entry.offset}`;
    const other = this.#places.get(place);
    if (other === undefined) this.#places.set(place, entry);
    else if (other.job !== entry.job) this.findings.add('I2', `jobs ${other.job} and ${entry.job} were both acknowledged at ${place}: one of them is not in the log`);
  }

  claim({ record, claim }: BookedClaim): void {
    const place = `${record.partition}/${record.offset}`;
    const entry = this.#places.get(place);
    if (entry === undefined) return;
    this.#places.delete(place);
    if (claim?.type !== 'JobSubmitted' || claim.job !== entry.job) this.findings.add('I2', `where job ${entry.job} was acknowledged stands another record`, [shownRecord(record, claim ?? {})]);
  }

  accepted(record: LogRecord, fact: JobAccepted): void {
    const job = this.#jobs.get(fact.job);
    if (job === undefined) return;
    job.accepted += 1;
    if (job.acked + job.unknown === 0) this.findings.add('I2', 'a job was accepted whose every submission was refused', [shownRecord(record, fact)]);
    else if (job.accepted > job.acked + job.unknown) this.findings.add('I2', `a job was accepted ${job.accepted} times, submitted ${job.acked + job.unknown} times`, [shownRecord(record, fact)]);
  }

  /** After the last record: what was acknowledged and never came by is lost. */
  finish(topic: string): void {
    for (const [place, { job }] of this.#places) this.findings.add('I2', `job ${job} was acknowledged at a place that the log does not reach`, [`${topic}/${place}`]);
  }
}
