// The fold of a job's audit rows to one line per step. Pure; whatever comes, it stays a timeline.

import { reasonCodes, type AuditEvent } from './audit-event.js';

export type StepState = 'working' | 'verifying' | 'waiting' | 'completed' | 'failed' | 'abandoned';

export interface StepLine {
  readonly step: string;
  readonly state: StepState;
  readonly attempt: number;
  readonly agent: string;
  readonly verifier: string;
  readonly requestedAtMs: number;
  readonly closedAtMs: number | null;
  readonly accepted: number;
  readonly rejected: number;
  /** Reason codes of refused artifacts and failed attempts, with how often. */
  readonly reasons: Readonly<Record<string, number>>;
}

export interface Timeline {
  readonly workflow: string;
  readonly acceptedAtMs: number | null;
  readonly lastAtMs: number;
  readonly steps: readonly StepLine[];
  readonly refusedClaims: number;
  readonly events: number;
  readonly end: { readonly outcome: string; readonly reason: string; readonly atMs: number } | null;
}

export const emptyTimeline: Timeline = { workflow: '', acceptedAtMs: null, lastAtMs: 0, steps: [], refusedClaims: 0, events: 0, end: null };

/** The timeline after one more row. */
export function addEvent(before: Timeline, event: AuditEvent): Timeline {
  const timeline = { ...before, events: before.events + 1, lastAtMs: Math.max(before.lastAtMs, event.tsMs) };
  switch (event.eventType) {
    case 'JobAccepted': return { ...timeline, acceptedAtMs: event.tsMs, workflow: typeof event.detail['workflow'] === 'string' ? event.detail['workflow'] : '' };
    case 'StepRequested': return withStep(timeline, event, { state: 'working', attempt: event.attempt ?? 1, agent: event.agent, verifier: '', closedAtMs: null, accepted: 0, rejected: 0 });
    case 'VerificationRequested': return withStep(timeline, event, { state: 'verifying', verifier: event.agent });
    case 'ArtifactVerified': return withStep(timeline, event, (line) => ({ accepted: line.accepted + 1 }));
    case 'ArtifactRejected': return withStep(timeline, event, (line) => ({ rejected: line.rejected + 1, reasons: counted(line.reasons, event) }));
    case 'AttemptFailed': return withStep(timeline, event, (line) => ({ state: Number(event.detail['retryAtMs'] ?? -1) >= 0 ? 'waiting' : 'failed', closedAtMs: event.tsMs, reasons: line.rejected > 0 ? line.reasons : counted(line.reasons, event) }));
    case 'StepCompleted': return withStep(timeline, event, { state: 'completed', closedAtMs: event.tsMs });
    case 'StepFailed': return withStep(timeline, event, { state: 'failed', closedAtMs: event.tsMs });
    case 'ClaimRefused': case 'ClaimParked': case 'ClaimDeadLettered': return { ...timeline, refusedClaims: timeline.refusedClaims + 1 };
    case 'JobEnded': return ended(timeline, event);
    default: return timeline;
  }
}

type Change = Partial<StepLine> | ((line: StepLine) => Partial<StepLine>);

function withStep(timeline: Timeline, event: AuditEvent, change: Change): Timeline {
  const fresh: StepLine = { step: event.step, state: 'working', attempt: event.attempt ?? 1, agent: event.agent, verifier: '', requestedAtMs: event.tsMs, closedAtMs: null, accepted: 0, rejected: 0, reasons: {} };
  const isKnown = timeline.steps.some((line) => line.step === event.step);
  const steps = isKnown ? timeline.steps : [...timeline.steps, fresh];
  return { ...timeline, steps: steps.map((line) => (line.step === event.step ? { ...line, ...(typeof change === 'function' ? change(line) : change) } : line)) };
}

function counted(reasons: Readonly<Record<string, number>>, event: AuditEvent): Readonly<Record<string, number>> {
  const codes = reasonCodes(event);
  const first = codes[0] ?? event.reason;
  return first === '' ? reasons : { ...reasons, [first]: (reasons[first] ?? 0) + 1 };
}

function ended(timeline: Timeline, event: AuditEvent): Timeline {
  const outcome = event.detail['outcome'];
  return {
    ...timeline, end: { outcome: typeof outcome === 'string' ? outcome : 'ended', reason: event.reason, atMs: event.tsMs },
    steps: timeline.steps.map((line) => (line.closedAtMs === null ? { ...line, state: 'abandoned', closedAtMs: event.tsMs } : line)),
  };
}
