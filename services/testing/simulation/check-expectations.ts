// What a user expects of every finished job, asked one by one, and what of the workflow a run has reached.

import type { Workflow } from '../../blackboard/workflow.js';
import type { LoadedFile } from '../../../workflows/load-workflows.js';
import type { FinishedJob } from '../../../workflows/workflow-file.js';
import { readFacts, type FactAt } from './check-run.js';
import { finishedJobs, jobTimeline } from './finished-jobs.js';
import type { Violation } from './run-seed.js';
import type { World } from './world.js';

export interface Checked {
  readonly violations: readonly Violation[];
  readonly reached: Readonly<Record<string, number>>;
}

export function checkExpectations(world: World, { exports: { expectations = {} } }: LoadedFile): Checked {
  const violations: Violation[] = [...world.strays].map((stray) => ({ invariant: 'outside', what: stray, records: [] }));
  const reached: Record<string, number> = {};
  const { contracts } = world.scenario;
  for (let partition = 0; partition < world.partitions; partition += 1) {
    const facts = readFacts(world, partition);
    count(facts, reached);
    for (const job of finishedJobs(facts, { contracts, bodies: world.gateway.bodies, modelCalls: world.gateway.modelCalls })) {
      note(reached, `${job.workflow}: ${job.outcome}`);
      for (const [name, holds] of Object.entries(expectations)) {
        const broken = ask(holds as (job: FinishedJob, outside: unknown) => unknown, job, world.outside);
        if (broken !== null) violations.push({ invariant: 'expectation', what: `"${name}"${broken === '' ? '' : `: ${broken}`}; job ${job.job} (${job.workflow}, ${job.outcome})`, records: jobTimeline(job) });
      }
    }
  }
  return { violations, reached };
}

/** Null: it holds. Otherwise how it is broken, or empty. */
function ask(holds: (job: FinishedJob, outside: unknown) => unknown, job: FinishedJob, outside: unknown): string | null {
  try {
    const answer = holds(job, outside);
    if (answer === true || answer === undefined) return null;
    if (answer === false) return '';
    return typeof answer === 'string' ? answer.slice(0, 300) : `it answered ${typeof answer}; an expectation answers true, false or a text, at once`;
  } catch (error) {
    return `it threw: ${(error as Error).message}`.slice(0, 300);
  }
}

/** What many seeds should reach of workflows, under the names that are counted. */
export function expectedReach(workflows: readonly Workflow[]): readonly string[] {
  return workflows.flatMap(({ name, steps }) => [
    ...['completed', 'failed', 'cancelled'].map((outcome) => `${name}: ${outcome}`),
    ...steps.flatMap(({ id, attempts, verifier }) => [`${name}/${id}: completed`, `${name}/${id}: failed`, ...(attempts > 1 ? [`${name}/${id}: retried`] : []), ...(verifier === '' ? [] : [`${name}/${id}: rejected by ${verifier}`])]),
  ]);
}

function count(facts: readonly FactAt[], reached: Record<string, number>): void {
  const workflows = new Map<string, string>();
  for (const { fact, counts } of facts) {
    if (!counts) continue;
    const job = `${fact.job}/${fact.instance}`;
    if (fact.type === 'JobAccepted') workflows.set(job, fact.workflow);
    const step = `${workflows.get(job) ?? ''}/${fact.step.split('/')[0] ?? ''}`;
    if (fact.type === 'StepCompleted') note(reached, `${step}: completed`);
    if (fact.type === 'StepFailed') note(reached, `${step}: failed`);
    if (fact.type === 'StepRequested' && fact.attempt > 1) note(reached, `${step}: retried`);
    if (fact.type === 'ArtifactRejected') note(reached, `${step}: rejected by ${fact.verifier}`);
  }
}

function note(reached: Record<string, number>, what: string): void {
  reached[what] = (reached[what] ?? 0) + 1;
}
