// The sometimes-assertions: over a run of many seeds, every fault must strike and every outcome be reached. What is
// never reached is not tested, whatever the seeds say.

import { refusals } from '../../blackboard/reasons.js';
import { faultKinds } from './fault-kinds.js';
import type { SeedReport } from './run-seed.js';

/** All that a long run must reach. */
export const sometimes: readonly string[] = [
  ...Object.keys(faultKinds).map((kind) => `fault:${kind}`),
  ...Object.keys(refusals).map((reason) => `refused:${reason}`),
  ...['wrong-magic-byte', 'unknown-schema-id', 'not-avro', 'trailing-bytes', 'not-a-claim'].map((reason) => `dead-letter:${reason}`),
  ...['completed', 'failed', 'cancelled'].map((outcome) => `outcome:${outcome}`),
  ...['deadline-passed', 'verification-deadline-passed', 'candidates-rejected', 'agent-failed', 'verifier-failed'].map((reason) => `failed:${reason}`),
  'restored:snapshot', 'restored:checkpoint', 'restored:beginning', ...['away', 'silent', 'missing', 'old', 'forged', 'partLost', 'torn', 'otherVersion', 'otherLog', 'otherParts'].map((fault) => `snapshot:${fault}`),
  'parked:verb-threw', 'job:second-life', 'policy:changed', 'policy:older-workflow', 'epoch:renewed', 'schema:learnt', ...['attempt-not-open', 'clock-skew'].map((reason) => `gateway:${reason}`), 'fact:stale', 'step:retried', 'step:escalated', 'step:failed-not-required', 'type:PlanExpanded', 'type:TickObserved', 'type:ArtifactRejected',
];

export class Coverage {
  constructor(readonly expected: readonly string[] = sometimes) {}

  readonly reached = new Map<string, number>();

  add({ faults, reached }: Pick<SeedReport, 'faults' | 'reached'>): void {
    for (const [kind, count] of Object.entries(faults)) this.#note(`fault:${kind}`, count);
    for (const [what, count] of Object.entries(reached)) this.#note(what, count);
  }

  get missing(): readonly string[] {
    return this.expected.filter((what) => !this.reached.has(what));
  }

  get faultsInjected(): number {
    let sum = 0;
    for (const [what, count] of this.reached) if (what.startsWith('fault:') && what !== 'fault:stale') sum += count;
    return sum;
  }

  #note(what: string, count: number): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + count);
  }
}
