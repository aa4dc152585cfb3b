// R4 and R5: an append that is not answered for sure, or lands elsewhere than it was due, is the last of its epoch, and
// none is sent before the one before it is answered.
// R6: a partition is taken when it was gained, or again after something that was not accepted; then after a pause, and
// by a member that its group still counts on. One that is kept keeps its epoch.

import { shownRecord } from '../../verify/findings.js';
import type { AppendEntry, AppendHistory } from './append-history.js';
import { codec, topics } from './blackboard-of-seed.js';

type Add = (invariant: string, what: string, records?: readonly string[]) => void;

/** The shortest pause before a partition is taken again. */
const pauseMsMin = 50;
/** A heartbeat takes so long at most: who was put out of its group before that has heard so. */
const heartbeatMsMax = 5;

/** One owner since its last marker. */
interface Take {
  readonly appends: number;
  /** Where its next append lands if nobody else writes; null: not known. */
  next: number | null;
  /** When it first heard that something was not accepted; null: all was. */
  failedAtMs: number | null;
  /** Whether that was an acknowledgement at another offset than was due. */
  isDisplaced: boolean;
  /** Its last append. */
  last: AppendEntry;
}

export function checkTakes(history: AppendHistory, partition: number, add: Add): void {
  const takes = new Map<string, Take>();
  history.entries.forEach((entry, index) => {
    const { process, batch } = entry;
    const take = takes.get(process);
    if (take !== undefined && entry.outcome !== 'acknowledged' && isDeadLetterOf(entry, partition)) fail(take, entry);
    if (batch.topic !== topics.verified || batch.partition !== partition) return;
    if (!isMarker(entry)) return take === undefined ? undefined : follow(take, entry, add);
    const isGained = history.gains.some((gain) => gain.process === process && gain.partition === partition && gain.appends <= index && gain.appends > (take?.appends ?? -1));
    if (!isGained) taken(entry, take?.failedAtMs ?? null, add);
    const begun: Take = { appends: index, next: null, failedAtMs: null, isDisplaced: false, last: entry };
    takes.set(process, begun);
    if (entry.outcome === 'acknowledged') begun.next = entry.baseOffset + 1;
    else fail(begun, entry);
  });
}

function taken({ process, batch, baseOffset, beganAtMs, evictedMs }: AppendEntry, failedAtMs: number | null, add: Add): void {
  const shown = (): readonly string[] => [shownRecord({ ...batch, offset: baseOffset })];
  if (failedAtMs === null) return add('R6', `${process} gave up the epoch of partition ${batch.partition}, which it had kept, without cause`, shown());
  if (beganAtMs - failedAtMs < pauseMsMin) add('R6', `${process} took partition ${batch.partition} again ${Math.round(beganAtMs - failedAtMs)} ms after a failure`, shown());
  if (evictedMs > heartbeatMsMax) add('R6', `${process} took partition ${batch.partition} again, ${Math.round(evictedMs)} ms after its group went on without it`, shown());
}

/** An append that is not answered for sure, or landed where it was not due, ends the epoch. */
function follow(take: Take, entry: AppendEntry, add: Add): void {
  const shown = (): readonly string[] => [shownRecord({ ...entry.batch, offset: entry.baseOffset })];
  if (take.failedAtMs !== null && entry.beganAtMs > take.failedAtMs) add(take.isDisplaced ? 'R4' : 'R5', `${entry.process} went on in an epoch of partition ${entry.batch.partition} that had ended for it`, shown());
  if (entry.beganAtMs < take.last.answeredAtMs) add('R5', `${entry.process} sent to partition ${entry.batch.partition} before the send before it was answered`, shown());
  take.last = entry;
  const isDisplaced = entry.outcome === 'acknowledged' && take.next !== null && entry.baseOffset !== take.next;
  if (isDisplaced && take.failedAtMs === null) take.isDisplaced = true;
  if (entry.outcome !== 'acknowledged' || isDisplaced) fail(take, entry);
  if (entry.outcome === 'acknowledged') take.next = entry.baseOffset + entry.batch.records.length;
}

function fail(take: Take, { answeredAtMs }: AppendEntry): void {
  take.failedAtMs = Math.min(take.failedAtMs ?? Infinity, answeredAtMs);
}

function isDeadLetterOf({ batch }: AppendEntry, partition: number): boolean {
  return batch.topic === topics.deadLetter && batch.records.some(({ key }) => key.toString().startsWith(`${topics.quarantine}/${partition}/`));
}

/** A marker alone: one with a checkpoint behind it renews. */
function isMarker({ batch }: AppendEntry): boolean {
  const [first, second] = batch.records;
  return first !== undefined && second === undefined && first.key.length === 0 && codec.peek(first.value)?.type === 'EpochStarted';
}
