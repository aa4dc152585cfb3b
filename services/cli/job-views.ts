// What people see of jobs and submissions. The shapes are those of the HTTP API.

import { z } from 'zod';
import { artifactView, jobView, listView, resultView, submissionAccepted, submissionView } from '../ingress/schemas.js';
import { duration, moment } from './durations.js';
import { CliError } from './exit-codes.js';
import { facts, table } from './table.js';
import { foreign, type Terminal } from './terminal.js';
import { paint } from './timeline-view.js';

export type Artifact = z.output<typeof artifactView>;
export type Job = z.output<typeof jobView>;

export const answers = {
  accepted: submissionAccepted, job: jobView, status: z.union([jobView, submissionView]), list: listView,
  result: resultView, artifacts: z.object({ artifacts: z.array(artifactView) }),
} as const;

/** @throws CliError unavailable when the answer has another shape than the API of this version. */
export function readAnswer<S extends z.ZodType>(shape: S, value: unknown): z.output<S> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CliError('unavailable', `the answer has another shape than this command knows (${parsed.error.issues[0]?.path.join('.') ?? ''})`, 'Is that ingress, of the same version? Check --url and BLACKBOARD_URL.');
}

/** @throws CliError usage */
export function jobId(text: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw new CliError('usage', 'a job id is 32 hex digits', 'Take it from "blackboard submit" or "blackboard list".');
}

export function statusText(status: z.output<typeof answers.status>, terminal: Terminal): string {
  if (!('instance' in status)) {
    return facts([
      ['submission', `quarantine ${status.partition}/${status.offset}`], ['state', paint(status.state, terminal.colors)(status.state)],
      ...(status.job === null ? [] : [['job', foreign(status.job)] as const]),
      ...(status.reason === null ? [] : [['reason', foreign(status.reason)] as const]),
      ...(status.explanation === null ? [] : [['explanation', foreign(status.explanation)] as const]),
    ], terminal);
  }
  return facts([
    ['job', `${foreign(status.job)}  (partition ${status.partition}, submission ${status.instance})`],
    ['state', paint(status.outcome ?? status.state, terminal.colors)(status.outcome ?? status.state) + ((status.reason ?? '') === '' ? '' : `  ${foreign(status.reason)}`)],
    ['workflow', `${foreign(status.workflow)}  ${foreign(status.workflowVersion?.slice(0, 12))}`],
    ...(status.goal === null || status.goal === '' ? [] : [['goal', foreign(status.goal)] as const]),
    ['tenant', foreign(status.tenant)],
    ['accepted', moment(status.acceptedAtMs)],
    ...(status.endedAtMs === null ? [['deadline', moment(status.deadlineAtMs)] as const] : [['ended', `${moment(status.endedAtMs)}  after ${duration(status.latencyMs)}`] as const]),
    ['attempts', `${status.attemptsRequested} requested, ${status.attemptsFailed} failed`],
    ['steps', `${status.stepsCompleted} completed, ${status.stepsFailed} failed`],
    ['artifacts', `${status.artifactsVerified} verified, ${status.artifactsRejected} refused`],
    ['cost', `${(status.costMicros / 1e6).toFixed(4)}`],
    // Which step it was, and why, is in its rows.
    ...(status.outcome === null || status.outcome === 'completed' ? [] : [['why', `blackboard watch ${foreign(status.job)} --submission ${status.instance}`] as const]),
  ], terminal);
}

export function jobsText(jobs: readonly Job[], terminal: Terminal): string {
  if (jobs.length === 0) return 'no jobs\n';
  const rows = jobs.map((job) => {
    const state = job.outcome ?? job.state;
    return [foreign(job.job, 32), paint(state, terminal.colors)(state), foreign(job.workflow, 40), moment(job.acceptedAtMs), duration(job.latencyMs),
      `${job.artifactsVerified}/${job.artifactsRejected}`, foreign(job.tenant, 60), foreign(job.reason, 60)];
  });
  return table([
    { title: 'JOB', widthMin: 32 }, { title: 'STATE', widthMin: 9 }, { title: 'WORKFLOW', widthMin: 8 }, { title: 'ACCEPTED', widthMin: 20, isOptional: true },
    { title: 'TOOK', align: 'right', isOptional: true }, { title: 'OK/REF', align: 'right', isOptional: true }, { title: 'TENANT', isOptional: true }, { title: 'REASON', widthMin: 8, isOptional: true },
  ], rows, terminal);
}
