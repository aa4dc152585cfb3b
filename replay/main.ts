// `blackboard replay`: a recorded job, or all of them, from the log alone. It reads the log (and, asked to, the rows of
// a database); there is nothing in its reach that writes.

import picocolors from 'picocolors';
import { contracts as shippedContracts } from '../workflows/contracts.js';
import { isJobId } from '../services/blackboard/ids.js';
import type { Contract } from '../services/blackboard/contract.js';
import { BlackboardError } from '../services/runtime/errors.js';
import type { Keyring } from '../services/runtime/keyring.js';
import { partitionFor } from '../services/runtime/log/partitioner.js';
import { boardAt, parseAt } from './board-at.js';
import { openRecorded, type RecordedAt } from './open-recorded.js';
import type { RecordedBlackboard } from './readable-log.js';
import { replayJson, replayText, type ReplayView, type Replayed } from './render.js';
import { replayLog } from './replay.js';

export interface ReplayArgs {
  /** Job id; absent: all jobs of the log. */
  readonly job?: string;
  /** As `parseAt` reads it; only with `job`. */
  readonly at?: string;
  readonly json?: boolean;
  readonly source: RecordedAt;
  /** Compares the rows too: those of a database at a URL, or (`embedded`) of the folder, which nobody may hold then. */
  readonly database?: 'embedded' | { readonly databaseUrl: string };
  /** Besides those that ship. */
  readonly contracts?: readonly Contract[];
  /** Verifies signatures for real; it must hold every key that ever signed. */
  readonly keyring?: Keyring;
  /** To stdout. */
  readonly out: (text: string) => void;
  /** Default: 100 columns without colours. */
  readonly view?: ReplayView;
  /** Facts that were replayed so far. */
  readonly onProgress?: (facts: number) => void;
  /** What was left out, in words. */
  readonly onWarning?: (text: string) => void;
}

/** Exit code: 0, the same; 6, it diverged, or rows differ. @throws BlackboardError NOT_FOUND: no such job */
export async function runReplay(args: ReplayArgs): Promise<0 | 6> {
  if (args.job !== undefined && !isJobId(args.job)) throw new BlackboardError('INPUT_INVALID', 'job: 32 hex digits', { field: 'job' });
  if (args.job === undefined && args.at !== undefined) throw new BlackboardError('INPUT_INVALID', 'at: only with a job', { field: 'at' });
  const source = await openRecorded(args.source, args.onWarning);
  try {
    const replayed = await replayAll(args, source);
    if (replayed === null) throw new BlackboardError('NOT_FOUND', `no record of this log names the job ${args.job ?? ''}; is it the log that was meant? "blackboard list" shows the jobs of the one that runs`, { job: args.job });
    args.out(args.json === true ? replayJson(replayed) : replayText(replayed, args.view ?? { columns: 100, colors: picocolors.createColors(false) }));
    return replayed.report.firstDivergence === null && (replayed.rows?.equal ?? true) ? 0 : 6;
  } finally {
    await source.log.close();
  }
}

async function replayAll({ job, at, database, contracts = [], keyring, onProgress, source: where }: ReplayArgs, source: RecordedBlackboard): Promise<Replayed | null> {
  const board = job === undefined ? null : await boardAt(source, job, at === undefined ? null : parseAt(at));
  if (job !== undefined && board === null) return null;
  const partitions = (await source.log.ranges(source.topics.verified)).length;
  const report = await replayLog({
    ...source, contracts: new Map([...shippedContracts, ...contracts.map((contract) => [contract.name, contract] as const)]), ...(keyring === undefined ? {} : { keyring }),
    // A decision reads its whole partition: so that is what is replayed for one job.
    ...(job === undefined ? {} : { only: [partitionFor(Buffer.from(job), partitions)] }), ...(onProgress === undefined ? {} : { onProgress }),
  });
  if (database === undefined) return { board, report, rows: null };
  // Loaded only when asked for: replay has no other way to a database.
  const [{ openDatabase }, { compareRows }] = await Promise.all([import('./open-database.js'), import('./compare-rows.js')]);
  if (database === 'embedded' && where.mode !== 'embedded') throw new BlackboardError('INPUT_INVALID', 'database: a URL, since the log is not an embedded one', { field: 'database' });
  const db = await openDatabase(database === 'embedded' ? { dataDir: (where as { readonly dataDir: string }).dataDir } : database);
  try {
    return { board, report, rows: await compareRows(source, db, job === undefined ? {} : { job }) };
  } finally {
    await db.close();
  }
}
