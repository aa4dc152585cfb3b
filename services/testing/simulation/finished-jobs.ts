// The jobs of a run as their facts tell them: what expectations are asked about. Only facts that count are read.

import type { ArtifactVerified, Body, Fact } from '../../../schemas/generated/events.js';
import type { FinishedArtifact, FinishedJob, JobEvent } from '../../../workflows/workflow-file.js';
import type { Contract } from '../../blackboard/contract.js';
import { decodeBody } from '../../runtime/codec/contract-codec.js';
import type { FactAt } from './check-run.js';

export interface JobSources {
  readonly contracts: ReadonlyMap<string, Contract>;
  /** By hash: those that went by reference. */
  readonly bodies: ReadonlyMap<string, Uint8Array>;
  /** By job id. */
  readonly modelCalls: ReadonlyMap<string, number>;
}

interface Story {
  readonly facts: Fact[];
  ended: boolean;
}

/** Of one partition, in the order in which they were accepted; those that have not ended are left out. */
export function finishedJobs(facts: readonly FactAt[], sources: JobSources): readonly FinishedJob[] {
  const stories = new Map<string, Story>();
  for (const { fact, counts } of facts) {
    if (!counts || fact.job === '' || fact.instance < 0) continue;
    const key = `${fact.job}/${fact.instance}`;
    if (fact.type === 'JobAccepted') stories.set(key, { facts: [], ended: false });
    const story = stories.get(key);
    // What comes after the end (a late claim's refusal) is no part of the job any more.
    if (story === undefined || story.ended) continue;
    story.facts.push(fact);
    story.ended = fact.type === 'JobEnded';
  }
  return [...stories.values()].filter(({ ended }) => ended).map((story) => finished(story.facts, sources));
}

function finished(facts: readonly Fact[], sources: JobSources): FinishedJob {
  const accepted = facts.find((fact) => fact.type === 'JobAccepted');
  const ended = facts.find((fact) => fact.type === 'JobEnded');
  if (accepted === undefined || ended === undefined) throw new Error('a job is told from its acceptance to its end');
  const artifacts = facts.filter((fact) => fact.type === 'ArtifactVerified').map((fact) => artifactOf(fact, sources));
  return {
    job: accepted.job, instance: accepted.instance, tenant: accepted.tenant, workflow: accepted.workflow, params: JSON.parse(accepted.params) as FinishedJob['params'],
    outcome: ended.outcome as FinishedJob['outcome'], reason: ended.reason, artifacts,
    result: artifacts.find(({ hash, contract }) => hash === ended.result.hash && contract === ended.resultContract) ?? null,
    steps: stepsOf(facts), modelCalls: sources.modelCalls.get(accepted.job) ?? 0, history: facts.map(eventOf),
  };
}

function artifactOf({ step, artifactType, contract, body, producer, verifier, evidence, confidence }: ArtifactVerified, sources: JobSources): FinishedArtifact {
  return { step, type: artifactType, contract, hash: body.hash, value: valueOf(contract, body, sources), producer, verifier, evidence, confidence };
}

function valueOf(name: string, body: Body, { contracts, bodies }: JobSources): unknown {
  const bytes = body.encoding === 'inline' ? body.bytes : bodies.get(body.hash);
  const contract = contracts.get(name);
  if (bytes === undefined || contract === undefined) return null;
  const decoded = decodeBody(contract, bytes);
  return decoded.ok ? decoded.value : null;
}

function stepsOf(facts: readonly Fact[]): FinishedJob['steps'] {
  const steps = new Map<string, { step: string; agent: string; attempts: number; state: 'completed' | 'failed' | 'open' }>();
  for (const fact of facts) {
    if (fact.type === 'StepRequested') steps.set(fact.step, { step: fact.step, agent: fact.agent, attempts: fact.attempt, state: 'open' });
    const step = steps.get(fact.step);
    if (step !== undefined && fact.type === 'StepCompleted') step.state = 'completed';
    if (step !== undefined && fact.type === 'StepFailed') step.state = 'failed';
  }
  return [...steps.values()];
}

function eventOf(fact: Fact): JobEvent {
  const reason = 'reason' in fact ? fact.reason : '';
  return { type: fact.type, step: fact.step, attempt: fact.attempt, agent: fact.agent, reason: fact.type === 'JobEnded' ? [fact.outcome, reason].filter(Boolean).join(': ') : reason, atMs: fact.atMs };
}

const linesMax = 24;

/** A job in a few lines, for people: its beginning and its end where it is long. */
export function jobTimeline({ history }: FinishedJob): readonly string[] {
  const startMs = history[0]?.atMs ?? 0;
  const lines = history.map(({ type, step, attempt, agent, reason, atMs }) => `+${((atMs - startMs) / 1000).toFixed(3)} s  ${[type, step, attempt > 0 ? `attempt ${attempt}` : '', agent, reason].filter(Boolean).join('  ')}`);
  return lines.length <= linesMax ? lines : [...lines.slice(0, linesMax / 2), `… ${lines.length - linesMax} more`, ...lines.slice(-linesMax / 2)];
}
