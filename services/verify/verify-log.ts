// Checks a whole log, and the audit table beside it, against the invariants. Both topics are streamed side by side and
// nothing is awaited per record, so a million events take seconds and memory follows the open jobs, not the log.

import type { Fact } from '../../schemas/generated/events.js';
import { messageClassOf } from '../../schemas/generated/events.js';
import type { TopicNames } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Database } from '../runtime/database.js';
import { BlackboardError } from '../runtime/errors.js';
import type { Keyring } from '../runtime/keyring.js';
import type { LogPort, LogRecord, PartitionRange } from '../runtime/log/port.js';
import { PartitionAudit } from './audit-partition.js';
import { checkRows } from './check-rows.js';
import { Findings, invariants, shownRecord, type Finding, type InvariantName } from './findings.js';
import type { PartitionFigures } from './job-tracks.js';

export interface VerifyOptions {
  readonly log: Pick<LogPort, 'read' | 'ranges'>;
  readonly topics: Pick<TopicNames, 'quarantine' | 'verified'>;
  readonly codec: EventCodec;
  /** Every key that ever signed; null: signatures are taken as recorded, and I4 says so. */
  readonly keyring?: Keyring | null;
  /** Null: the audit table is not looked at. */
  readonly db?: Pick<Database, 'query'> | null;
  /** Takes every decision again (I6): what it found that differs. Absent: not looked at. */
  readonly takeAgain?: () => Promise<{ readonly decisions: number; readonly differences: readonly string[] }>;
  /** Nothing is under way: an open job or an undecided claim is then a finding. */
  readonly isAtRest?: boolean;
  /** Teaches the codec a schema id that it does not know. */
  readonly learn?: (id: number) => Promise<void>;
}

export interface VerifyRow {
  readonly invariant: InvariantName;
  readonly says: string;
  readonly result: 'PASS' | 'FAIL' | 'NOT CHECKED';
  /** What was looked at, or why not. */
  readonly figures: string;
  readonly count: number;
  /** The first of them. */
  readonly findings: readonly Finding[];
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly rows: readonly VerifyRow[];
  readonly figures: PartitionFigures & { readonly partitions: number; readonly openJobs: number; readonly undecided: number; readonly rows: number };
  readonly elapsedMs: number;
}

/** @throws BlackboardError LOG_OUT_OF_RANGE when the beginning of a partition is not kept. */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const startedMs = performance.now();
  const { log, topics, codec, keyring = null, db = null } = options;
  const findings = new Findings();
  // Verified first: every claim that its facts were decided on is then within quarantine's range.
  const verified = await log.ranges(topics.verified);
  const quarantine = await log.ranges(topics.quarantine);
  const figures = { claims: 0, facts: 0, stale: 0, epochs: 0, decisions: 0, accepted: 0, ended: 0, refused: 0, unauthentic: 0, partitions: verified.length, openJobs: 0, undecided: 0, rows: 0 };
  for (const range of verified) {
    const claims = quarantine.find(({ partition }) => partition === range.partition);
    if (claims === undefined) throw new BlackboardError('TOPOLOGY_DRIFT', `${topics.quarantine} has no partition ${range.partition}, ${topics.verified} has`);
    for (const [topic, { low }] of [[topics.verified, range], [topics.quarantine, claims]] as const) {
      if (low > 0) throw new BlackboardError('LOG_OUT_OF_RANGE', `${topic} partition ${range.partition} begins at offset ${low}: what it rests on cannot be checked any more; restore the older records from a copy`, { low });
    }
    const audit = new PartitionAudit(range.partition, { codec, keyring, partitions: verified.length, findings });
    await stream(options, audit, { verified: range, quarantine: claims }, findings);
    const { openJobs, undecided } = audit.finish();
    if (options.isAtRest === true && openJobs.length > 0) findings.add('I1', `${openJobs.length} jobs of partition ${range.partition} have no terminal`, openJobs.slice(0, 10).map((job) => shownRecord(job.record)));
    if (options.isAtRest === true && undecided > 0) findings.add('I14', `${undecided} claims of partition ${range.partition} have no decision`);
    for (const key of Object.keys(audit.figures) as (keyof PartitionFigures)[]) figures[key] += audit.figures[key];
    figures.openJobs += openJobs.length;
    figures.undecided += undecided;
    if (db !== null) figures.rows += await checkRows({ log, db, codec, topic: topics.verified, findings }, range.partition);
  }
  const again = await options.takeAgain?.();
  for (const difference of again?.differences ?? []) findings.add('I6', difference);
  const rows = rowsOf(findings, { figures, hasKeys: keyring !== null, hasRows: db !== null, decisions: again?.decisions ?? null, isAtRest: options.isAtRest === true });
  return { ok: rows.every(({ result }) => result !== 'FAIL'), rows, figures, elapsedMs: Math.round(performance.now() - startedMs) };
}

async function stream({ log, topics, codec, learn }: VerifyOptions, audit: PartitionAudit, ranges: { readonly verified: PartitionRange; readonly quarantine: PartitionRange }, findings: Findings): Promise<void> {
  const { partition } = audit;
  const claims = new ClaimStream(log.read({ topic: topics.quarantine, partition, from: 0, until: ranges.quarantine.next }), audit);
  const tried = new Set<number>();
  for await (const batch of log.read({ topic: topics.verified, partition, from: 0, until: ranges.verified.next })) {
    for (const record of batch) {
      let decoded = codec.decode(record.value);
      if (!decoded.ok && decoded.reason === 'unknown-schema-id' && learn !== undefined && !tried.has(decoded.schemaId)) {
        tried.add(decoded.schemaId);
        await learn(decoded.schemaId).catch(() => undefined);
        decoded = codec.decode(record.value);
      }
      if (!decoded.ok || messageClassOf[decoded.event.type] !== 'fact') {
        findings.add('I15', `a record of verified is no fact (${decoded.ok ? decoded.event.type : decoded.reason})`, [shownRecord(record)]);
        continue;
      }
      const fact = decoded.event as Fact;
      if (fact.cause >= audit.claims.next && !claims.add(fact.cause)) await claims.load(fact.cause);
      audit.addFact(record, fact);
    }
  }
  await claims.load(Infinity);
}

/** Claims, added to the audit as far as they are needed. */
class ClaimStream {
  readonly #batches: AsyncIterator<readonly LogRecord[]>;
  #batch: readonly LogRecord[] = [];
  #at = 0;
  #isOver = false;

  constructor(batches: AsyncIterable<readonly LogRecord[]>, private readonly audit: PartitionAudit) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** Adds the claims up to an offset; false when more must be read first. */
  add(until: number): boolean {
    while (this.#at < this.#batch.length && this.audit.claims.next <= until) this.audit.addClaim(this.#batch[this.#at++] as LogRecord);
    return this.audit.claims.next > until || this.#isOver;
  }

  async load(until: number): Promise<void> {
    while (!this.add(until)) {
      const { value, done } = await this.#batches.next();
      this.#isOver = done === true;
      this.#batch = this.#isOver ? [] : (value as readonly LogRecord[]);
      this.#at = 0;
    }
  }
}

interface Scope {
  readonly figures: VerifyReport['figures'];
  readonly hasKeys: boolean;
  readonly hasRows: boolean;
  readonly decisions: number | null;
  readonly isAtRest: boolean;
}

function rowsOf(findings: Findings, scope: Scope): readonly VerifyRow[] {
  return (Object.keys(invariants) as InvariantName[]).filter((name) => name !== 'I2').map((invariant) => {
    const count = findings.counts.get(invariant) ?? 0;
    const skipped = notChecked(invariant, scope);
    return {
      invariant, says: invariants[invariant], count, findings: findings.kept.filter((finding) => finding.invariant === invariant),
      result: count > 0 ? 'FAIL' : skipped === null ? 'PASS' : 'NOT CHECKED', figures: skipped ?? figuresOf(invariant, scope),
    };
  });
}

function notChecked(invariant: InvariantName, { hasRows, decisions }: Scope): string | null {
  if (invariant === 'I12' && !hasRows) return 'no database was given';
  return invariant === 'I6' && decisions === null ? 'decisions were not taken again' : null;
}

function figuresOf(invariant: InvariantName, { figures, hasKeys, decisions, isAtRest }: Scope): string {
  switch (invariant) {
    case 'I1': return `${figures.accepted} jobs accepted, ${figures.ended} ended, ${figures.openJobs} open${isAtRest ? '' : ' (may be under way)'}`;
    case 'I4': return hasKeys ? `${figures.claims} signatures checked, ${figures.unauthentic} false ones refused` : 'signatures as recorded: no keys were given';
    case 'I6': return `${decisions} decisions taken again`;
    case 'I7': return `${figures.decisions} decisions, ${figures.epochs} epochs, ${figures.stale} stale facts`;
    case 'I12': return `${figures.rows} rows`;
    case 'I14': return `${figures.claims} claims, ${figures.undecided} not decided yet`;
    case 'I15': return `${figures.claims + figures.facts} records in ${figures.partitions} partitions`;
    default: return `${figures.facts} facts`;
  }
}
