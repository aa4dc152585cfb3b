// Checks a whole log, and the audit table beside it, against the invariants. Each partition is passed over once, both
// topics side by side, each record decoded once; memory follows the open jobs, not the log.

import type { TopicName, TopicNames } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Database } from '../runtime/database.js';
import { BlackboardError } from '../runtime/errors.js';
import type { Keyring } from '../runtime/keyring.js';
import type { LogPort, PartitionRange } from '../runtime/log/port.js';
import { PartitionAudit } from './audit-partition.js';
import { checkPrivileges } from './check-privileges.js';
import { checkStrayRows, openRows, readWatermarks, type RowReader, type Watermark } from './check-rows.js';
import { ClientHistory, type HistoryEntry } from './client-history.js';
import { Findings, shownRecord } from './findings.js';
import { noFigures, type PartitionFigures } from './job-tracks.js';
import { reportRows, type VerifyFigures, type VerifyRow } from './report-rows.js';
import { streamPartition, type PartitionOpinion } from './stream-partition.js';

/** Takes decisions again (I6). Implemented beside the verbs, so that nothing here knows them. */
export interface SecondOpinion {
  begin(partition: number, partitions: number): PartitionOpinion;
  /** What differs in a partition, record by record: slower, and only asked for where something does. */
  explain(partition: number): Promise<readonly { readonly what: string; readonly record: { readonly topic: TopicName; readonly partition: number; readonly offset: number } }[]>;
}

export interface SnapshotOpinion {
  readonly compared: number;
  readonly differences: readonly { readonly what: string; readonly record: { readonly topic: TopicName; readonly partition: number; readonly offset: number } }[];
}

export interface VerifyOptions {
  readonly log: Pick<LogPort, 'read' | 'ranges'>;
  readonly topics: Pick<TopicNames, 'quarantine' | 'verified'>;
  readonly codec: EventCodec;
  /** Every key that ever signed; null: signatures are taken as recorded, and I4 says so. */
  readonly keyring?: Keyring | null;
  /** Null: the audit table is not looked at. */
  readonly db?: Pick<Database, 'query'> | null;
  /** What clients were told (I2); null: nobody kept it. */
  readonly history?: readonly HistoryEntry[] | null;
  /** Null: decisions are not taken again. */
  readonly again?: SecondOpinion | null;
  /** Compares stored snapshots with the log (I6). Implemented beside the fold; null: they are not looked at. */
  readonly snapshots?: (() => Promise<SnapshotOpinion>) | null;
  /** Nothing is under way: an open job, an undecided claim or a record without its row is then a finding. */
  readonly isAtRest?: boolean;
  /** Teaches the codec a schema id that it does not know. */
  readonly learn?: (id: number) => Promise<void>;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly rows: readonly VerifyRow[];
  readonly figures: VerifyFigures;
  readonly elapsedMs: number;
}

/** @throws BlackboardError LOG_OUT_OF_RANGE when the beginning of a partition is not kept. */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const startedMs = performance.now();
  const { log, topics, codec, keyring = null, db = null, again = null, isAtRest = false } = options;
  const findings = new Findings();
  const history = options.history == null ? null : new ClientHistory(options.history, findings);
  const table = db === null ? null : { db, codec, topic: topics.verified, findings, isAtRest };
  // What rests on another is read before it, since both may be growing: rows, verified, quarantine.
  const watermarks = table === null ? null : await readWatermarks(table);
  const verified = await log.ranges(topics.verified);
  const quarantine = await log.ranges(topics.quarantine);
  if (quarantine.length > verified.length) throw new BlackboardError('TOPOLOGY_DRIFT', `${topics.quarantine} has ${quarantine.length} partitions, ${topics.verified} ${verified.length}: nobody decides the claims of the others`);
  const figures = { ...noFigures, partitions: verified.length, openJobs: 0, undecided: 0, rows: 0 };
  let decisions = 0;
  for (const range of verified) {
    const { partition } = range;
    const ranges = { verified: range, quarantine: wholeRange(options, range, quarantine) };
    const audit = new PartitionAudit(partition, { codec, keyring, partitions: verified.length, findings, history });
    const rows: RowReader | null = table === null ? null : openRows(table, partition, watermarks?.get(partition) ?? nothingRead, range.next);
    const opinion = again?.begin(partition, verified.length) ?? null;
    await streamPartition({ ...options, ranges, audit, opinion, rows, findings });
    atEnd(audit, { findings, isAtRest, figures });
    figures.rows += rows?.compared ?? 0;
    const taken = opinion?.finish();
    decisions += taken?.decisions ?? 0;
    if (taken?.differs === true) await tellDifferences(partition, again, findings);
  }
  const snapshots = await options.snapshots?.() ?? null;
  for (const { what, record } of snapshots?.differences ?? []) findings.add('I6', what, [shownRecord(record)]);
  history?.finish(topics.quarantine);
  if (table !== null) await checkStrayRows(table, verified.length);
  const grants = db === null ? null : await checkPrivileges(db, findings);
  const rows = reportRows(findings, { figures, hasKeys: keyring !== null, grants, decisions: again === null ? null : decisions, snapshots: snapshots?.compared ?? null, history: history?.entries.length ?? null, isAtRest });
  return { ok: rows.every(({ result }) => result !== 'FAIL'), rows, figures, elapsedMs: Math.round(performance.now() - startedMs) };
}

/** Whoever looks again for what differs may not find it: that it differs is a finding all the same. */
async function tellDifferences(partition: number, again: SecondOpinion | null, findings: Findings): Promise<void> {
  const differences = await again?.explain(partition) ?? [];
  for (const { what, record } of differences) findings.add('I6', what, [shownRecord(record)]);
  if (differences.length === 0) findings.add('I6', `taken again, a decision of partition ${partition} differed, and did not when it was looked at once more`);
}

const nothingRead: Watermark = { until: 0, beyond: 0, firstBeyond: 0 };

/** The claims beside a partition's facts, both of which must be there from their beginning. */
function wholeRange({ topics }: VerifyOptions, range: PartitionRange, quarantine: readonly PartitionRange[]): PartitionRange {
  const claims = quarantine.find(({ partition }) => partition === range.partition);
  if (claims === undefined) throw new BlackboardError('TOPOLOGY_DRIFT', `${topics.quarantine} has no partition ${range.partition}, ${topics.verified} has`);
  for (const [topic, { low }] of [[topics.verified, range], [topics.quarantine, claims]] as const) {
    if (low > 0) throw new BlackboardError('LOG_OUT_OF_RANGE', `${topic} partition ${range.partition} begins at offset ${low}: what it rests on cannot be checked any more; restore the older records from a copy`, { low });
  }
  return claims;
}

function atEnd(audit: PartitionAudit, { findings, isAtRest, figures }: { readonly findings: Findings; readonly isAtRest: boolean; readonly figures: Record<keyof VerifyFigures, number> }): void {
  const { openJobs, undecided } = audit.finish();
  if (isAtRest && openJobs.length > 0) findings.add('I1', `${openJobs.length} jobs of partition ${audit.partition} have no terminal`, openJobs.slice(0, 10).map((job) => shownRecord(job.record)));
  if (isAtRest && undecided > 0) findings.add('I14', `${undecided} claims of partition ${audit.partition} have no decision`);
  for (const key of Object.keys(audit.figures) as (keyof PartitionFigures)[]) figures[key] += audit.figures[key];
  figures.openJobs += openJobs.length;
  figures.undecided += undecided;
}
