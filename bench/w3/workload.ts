// W3: a job of three sequential steps that do nothing, each result of some 300 bytes durable before the next begins.
// Each step reads the result before it, and the last is checked by whoever submitted the job.

export const stepNames = ['plan', 'research', 'write'] as const;
export type StepName = (typeof stepNames)[number];

export interface StepResult {
  readonly step: StepName;
  readonly job: string;
  readonly prevStep: StepName | null;
  /** Bytes of the result before, as JSON; 0 for the first step. */
  readonly prevBytes: number;
  readonly at: number;
  readonly body: string;
}

/** How long the middle step of a slow job takes, ms. */
export const slowStepMs = 500;

const padding = 'x'.repeat(196);

export function stepResult(step: StepName, job: string, previous: StepResult | null): StepResult {
  return { step, job, prevStep: previous?.step ?? null, prevBytes: previous === null ? 0 : JSON.stringify(previous).length, at: 1_700_000_000_000, body: padding };
}

/** @throws when the outcome is not that of three steps of this job. */
export function checkOutcome(outcome: StepResult | null | undefined, job: string): void {
  if (outcome?.step !== 'write' || outcome.prevStep !== 'research' || outcome.job !== job || outcome.prevBytes < 280 || outcome.prevBytes > 340) {
    throw new Error(`job ${job} ended with ${JSON.stringify(outcome)?.slice(0, 300)}`);
  }
}
