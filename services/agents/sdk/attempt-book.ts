// The attempts that this process has open, by job, and what closes them. Pure bookkeeping: the facts come in order of
// their partition, and a fact of another instance of the job closes nothing.

import type { EventType, Fact } from '../../../schemas/generated/events.js';
import type { Tracked } from '../../runtime/log/commit-watermark.js';
import type { LaneTask } from '../../runtime/log/lanes.js';
import type { Position } from '../../runtime/log/position.js';
import type { Agent } from './agent.js';
import type { AttemptEnding } from './attempt-ending.js';
import type { Request } from './step-request.js';

/** `held`: its partition is not read to the then-end yet. `finished`: it was run here; it is never run again. */
export type AttemptState = 'held' | 'queued' | 'running' | 'finished' | 'dropped';

export type AbortReason = 'deadline' | 'closed' | 'shutdown';

export interface Attempt {
  readonly partition: number;
  readonly offset: number;
  readonly agent: Agent;
  readonly request: Request;
  /** When it is over, by this process's clock: from when the request came, for as long as there was between it and its deadline in the log. */
  readonly endsAtMs: number;
  readonly ending: AttemptEnding;
  abortedFor: AbortReason | null;
  state: AttemptState;
  task: LaneTask | null;
  /** Its place in the commit watermark of the partition's present life here; null: none. */
  tracked: Tracked<Position> | null;
}

/** Facts that close an attempt; the first three name its step and attempt. */
export const closingTypes: ReadonlySet<EventType> = new Set(['AttemptFailed', 'StepCompleted', 'StepFailed', 'JobEnded']);

export class AttemptBook {
  readonly #byJob = new Map<string, Attempt[]>();

  hasJob(job: string): boolean {
    return this.#byJob.has(job);
  }

  add(attempt: Attempt): void {
    const { job } = attempt.request;
    const open = this.#byJob.get(job);
    if (open === undefined) this.#byJob.set(job, [attempt]);
    else open.push(attempt);
  }

  remove(attempt: Attempt): void {
    const { job } = attempt.request;
    const left = (this.#byJob.get(job) ?? []).filter((other) => other !== attempt);
    if (left.length === 0) this.#byJob.delete(job);
    else this.#byJob.set(job, left);
  }

  /** Open attempts that a fact at a later offset of their partition closes; they stay in the book until removed. */
  closedBy(fact: Fact): readonly Attempt[] {
    return (this.#byJob.get(fact.job) ?? []).filter((attempt) => attempt.request.instance === fact.instance && closes(fact, attempt.request));
  }

  all(): readonly Attempt[] {
    return [...this.#byJob.values()].flat();
  }
}

function closes(fact: Fact, request: Request): boolean {
  if (fact.type === 'JobEnded') return true;
  if (fact.step !== request.step) return false;
  switch (fact.type) {
    // The producer has answered when its verifier is asked; and what is asked again replaces what was asked before.
    case 'VerificationRequested':
    case 'StepRequested': return fact.attempt >= request.attempt;
    case 'AttemptFailed': return fact.attempt >= request.attempt;
    case 'StepCompleted':
    case 'StepFailed': return true;
    default: return false;
  }
}
