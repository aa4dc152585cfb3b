// Replays recorded partitions: folds them from their beginning and takes each decision again. The first divergence
// of a partition is where it went wrong; after it the recorded facts are folded, so that further ones are found too.

import type { PartitionState } from '../services/blackboard/board.js';
import { emptyPartition, evolve } from '../services/orchestrator/evolve.js';
import { KeysHeld } from '../services/verify/keys-held.js';
import { shown, type Divergence } from './compare.js';
import { openPartition, readFacts, type Recorded, type RecordedFact } from './read-partition.js';
import type { RecordedBlackboard } from './readable-log.js';
import { redecide, type RedecideOptions } from './redecide.js';

export interface ReplayOptions extends RecordedBlackboard, Omit<RedecideOptions, 'codec' | 'partitions' | 'keysHeld'> {
  /** Those to replay; default: all. */
  readonly only?: readonly number[];
  /** Divergences of a partition after which the rest of it is left. Default 16. */
  readonly divergencesMax?: number;
  readonly onProgress?: (facts: number) => void;
}

export interface PartitionReport {
  readonly partition: number;
  /** Records on both topics. */
  readonly claims: number;
  readonly facts: number;
  /** Taken again. */
  readonly decisions: number;
  readonly jobs: number;
  readonly epochs: number;
  /** Facts that an owner wrote after it had been replaced: they count for nobody, and cannot be taken again. */
  readonly inert: number;
  /** Claims at the end that no decision was taken on (yet). */
  readonly undecided: number;
  readonly divergences: readonly Divergence[];
  /** False: too much diverges, and the rest was not looked at. */
  readonly isWhole: boolean;
}

export interface ReplayReport extends Omit<PartitionReport, 'partition'> {
  readonly partitions: readonly PartitionReport[];
  readonly firstDivergence: Divergence | null;
  readonly elapsedMs: number;
}

/** @throws BlackboardError LOG_OUT_OF_RANGE when the beginning of a partition is not kept; NOT_FOUND. */
export async function replayLog(options: ReplayOptions): Promise<ReplayReport> {
  const startedMs = performance.now();
  const all = (await options.log.ranges(options.topics.verified)).map(({ partition }) => partition);
  const partitions: PartitionReport[] = [];
  let facts = 0;
  // One after another: deciding is the work, and it has one thread.
  for (const partition of options.only ?? all) {
    const report = await replayPartition(options, partition, all.length);
    partitions.push(report);
    facts += report.facts;
    options.onProgress?.(facts);
  }
  const sum = (pick: (report: PartitionReport) => number): number => partitions.reduce((total, report) => total + pick(report), 0);
  const divergences = partitions.flatMap((report) => report.divergences);
  return {
    partitions, divergences, firstDivergence: divergences[0] ?? null, isWhole: partitions.every((report) => report.isWhole), elapsedMs: performance.now() - startedMs,
    claims: sum((report) => report.claims), facts, decisions: sum((report) => report.decisions), jobs: sum((report) => report.jobs),
    epochs: sum((report) => report.epochs), inert: sum((report) => report.inert), undecided: sum((report) => report.undecided),
  };
}

async function replayPartition(options: ReplayOptions, partition: number, partitions: number): Promise<PartitionReport> {
  const { claims, facts, recorded } = await openPartition(options, partition);
  const { codec, contracts, keyring, divergencesMax = 16 } = options;
  const keysHeld = new KeysHeld();
  const divergences: Divergence[] = [];
  const counts = { decisions: 0, jobs: 0, epochs: 0, inert: 0 };
  let state = emptyPartition(partition);
  let isWhole = true;
  let inert: RecordedFact[] = [];
  for await (const entry of recorded) {
    count(entry, counts);
    const wanted = state.cursor + 1;
    const { divergence, strayed } = redecide(state, entry, { codec, contracts, partitions, keyring, keysHeld });
    if (divergence !== null) divergences.push(named(divergence, inert, wanted));
    if (entry.kind === 'inert') inert.push(entry.at);
    else inert = [];
    isWhole = divergences.length < divergencesMax;
    if (!isWhole) break;
    if (strayed) state = await foldAgain(options, partition, endOf(entry));
  }
  return { partition, claims, facts, ...counts, undecided: isWhole ? Math.max(0, claims - 1 - state.cursor) : 0, divergences, isWhole };
}

/** What is missing from a decision may lie right before it, inert: then that is the record to name. */
function named(divergence: Divergence, inert: readonly RecordedFact[], wanted: number): Divergence {
  const fact = inert.find((one) => one.fact.cause === wanted);
  if (fact === undefined || divergence.kind === 'epoch-unknown') return divergence;
  return { ...divergence, kind: 'out-of-order', verifiedOffset: fact.record.offset, quarantineOffset: wanted, eventType: fact.fact.type, job: fact.fact.job, step: fact.fact.step, field: 'epoch', recorded: shown(fact.fact.epoch), again: '' };
}

function count(entry: Recorded, counts: { decisions: number; jobs: number; epochs: number; inert: number }): void {
  if (entry.kind === 'inert') counts.inert += 1;
  if (entry.kind === 'bare' && entry.at.fact.type === 'EpochStarted') counts.epochs += 1;
  if (entry.kind !== 'decision') return;
  counts.decisions += 1;
  counts.jobs += entry.facts.filter(({ fact }) => fact.type === 'JobAccepted').length;
}

/** The offset behind an entry. */
function endOf(entry: Recorded): number {
  if (entry.kind === 'decision') return (entry.facts.at(-1)?.record.offset ?? -1) + 1;
  return (entry.kind === 'unreadable' ? entry.record : entry.at.record).offset + 1;
}

async function foldAgain(options: ReplayOptions, partition: number, until: number): Promise<PartitionState> {
  const state = emptyPartition(partition);
  for await (const one of readFacts(options, partition, until)) {
    if (one.kind !== 'fact' || !one.counts) continue;
    try {
      evolve(state, one.at.fact, one.at.record.offset);
    } catch {
      // It was named when it was met: an altered fact that cannot be folded is left out.
    }
  }
  return state;
}
