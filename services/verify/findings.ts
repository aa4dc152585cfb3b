import type { LogRecord } from '../runtime/log/port.js';

/** The invariants, and what each says in one line. */
export const invariants = {
  I1: 'every accepted job has one terminal, and nothing follows it',
  I2: 'what was acknowledged is in the log, what was refused is not',
  I3: 'a step reads verified artifacts only, verified by somebody else than their producer',
  I4: 'a forged claim has no effect but its refusal',
  I5: 'evidence resolves to what the step was given or to a receipt',
  I6: 'the fold has one result, and each decision taken again is the recorded one',
  I7: 'one live owner: each claim decided once, in order, in one piece; attempts 1 to k, one open at a time',
  I8: 'one effect per key',
  I9: 'approval before what cannot be undone',
  I10: 'a job costs what its facts say, in sum',
  I11: "deadlines bite, in the partition's own time",
  I12: 'the audit table is the image of the log, row for row and column for column',
  I13: 'a decided claim is the one that was decided on, and nobody but a superuser can change an audit row',
  I14: 'no claim is dropped: each has a decision',
  I15: 'offsets are dense, and no fact stands where it does not belong',
  I16: "a job's facts name its tenant alone",
  I17: 'every fact is stamped and names its cause',
  I18: 'retries keep their number and their backoff',
} as const;

export type InvariantName = keyof typeof invariants;

export interface Finding {
  readonly invariant: InvariantName;
  readonly what: string;
  /** `topic/partition/offset type …` */
  readonly records: readonly string[];
}

/** Keeps the first findings of each invariant and counts the others. */
export class Findings {
  readonly kept: Finding[] = [];
  readonly counts = new Map<InvariantName, number>();

  constructor(private readonly keptMax = 10) {}

  add(invariant: InvariantName, what: string, records: readonly string[] = []): void {
    const count = (this.counts.get(invariant) ?? 0) + 1;
    this.counts.set(invariant, count);
    // What a finding quotes may come from a hostile claim, and is read on terminals.
    if (count <= this.keptMax) this.kept.push({ invariant, what: what.replace(/[^\x20-\x7e]/g, '?'), records });
  }
}

/** Names a record so that it can be found; text in it is hostile and left out. */
export function shownRecord({ topic, partition, offset }: Pick<LogRecord, 'topic' | 'partition' | 'offset'>, about: { readonly type?: string; readonly job?: string; readonly step?: string; readonly attempt?: number } = {}): string {
  const of = about.job === undefined || about.job === '' ? '' : ` job ${about.job.slice(0, 32)}${about.step === undefined || about.step === '' ? '' : ` step ${about.step.slice(0, 64)} attempt ${about.attempt}`}`;
  return `${topic}/${partition}/${offset}${about.type === undefined ? '' : ` ${about.type}`}${of}`.replace(/[^\x20-\x7e]/g, '?');
}
