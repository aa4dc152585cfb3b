// I15, for agents: what a group stores as done is done. No position passes a request that is open, unanswered and not
// late by then: whoever goes on from there would never be shown it, and only its deadline would tell.

import type { Fact } from '../../../schemas/generated/events.js';
import { shownRecord } from '../../verify/findings.js';
import type { LogRecord } from '../../runtime/log/port.js';
import { codec, topics } from './blackboard-of-seed.js';
import type { FactAt } from './check-run.js';
import type { FaultKind } from './fault-kinds.js';
import type { SavedPosition } from './recording-store.js';
import type { World } from './world.js';

type Add = (invariant: string, what: string, records?: readonly string[]) => void;

/** Where clocks step, nobody can tell from the log when an agent gave a request up. */
const clockFaults: readonly FaultKind[] = ['local-clock-jump', 'append-time-falls-back', 'append-time-jumps'];
const closing: ReadonlySet<Fact['type']> = new Set(['StepRequested', 'VerificationRequested', 'AttemptFailed', 'StepCompleted', 'StepFailed', 'JobEnded']);

export function checkAgents(world: World, { partition, facts, claims }: { readonly partition: number; readonly facts: readonly FactAt[]; readonly claims: readonly LogRecord[] }, add: Add): void {
  if (clockFaults.some((kind) => world.faults.injected.has(kind))) return;
  const answers = answeredAt(world, partition, claims);
  const before = new Map<string, SavedPosition>();
  for (const saved of world.store.saved) {
    const { group, position, losses } = saved;
    if (position.topic !== topics.verified || position.partition !== partition || !group.includes('agent')) continue;
    const last = before.get(group);
    before.set(group, saved);
    if (last?.losses !== losses) continue;
    for (const at of facts.slice(last.position.offset, position.offset)) {
      if (!isFor(group, at) || (answers.get(at.record.offset) ?? Infinity) < saved.quarantineNext || isOver(at, facts, saved)) continue;
      add('I15', `${group} stored ${position.offset} for partition ${partition}, past a request that is open and unanswered`, [shownRecord(at.record, at.fact)]);
      return;
    }
  }
}

/** By request: where its first answer stands in quarantine; -1: one was sent, and nobody knows where it is. */
function answeredAt(world: World, partition: number, claims: readonly LogRecord[]): ReadonlyMap<number, number> {
  const answers = new Map<number, number>();
  const note = (value: Buffer, at: number): void => {
    const decoded = codec.decode(value);
    if (!decoded.ok || !('requestOffset' in decoded.event)) return;
    const { requestOffset } = decoded.event;
    answers.set(requestOffset, Math.min(at, answers.get(requestOffset) ?? Infinity));
  };
  for (const { value, offset } of claims) note(value, offset);
  for (const { batch, outcome } of world.history.entries) {
    if (batch.topic === topics.quarantine && batch.partition === partition && outcome !== 'acknowledged') for (const { value } of batch.records) note(value, -1);
  }
  return answers;
}

function isFor(group: string, { fact, counts }: FactAt): boolean {
  return counts && (fact.type === 'StepRequested' || fact.type === 'VerificationRequested') && group.split(/[-.]/).includes(fact.agent);
}

/** Closed by a later fact that was there, or late by the log's own clock. */
function isOver({ record, fact }: FactAt, facts: readonly FactAt[], { verifiedNext, logTimeMs }: SavedPosition): boolean {
  // Where no clock steps, a request that lay in an owner's hands before it was appended has that much less time.
  if ('deadlineAtMs' in fact && logTimeMs >= fact.deadlineAtMs) return true;
  return facts.slice(record.offset + 1, verifiedNext).some(({ fact: later, counts }) => counts && closing.has(later.type) && later.job === fact.job && later.instance === fact.instance && (later.type === 'JobEnded' || later.step === fact.step));
}
