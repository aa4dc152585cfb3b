import { createHash } from 'node:crypto';
import type { JobState, PartitionState } from '../blackboard/board.js';
import { canonicalJson, contentHash } from '../blackboard/ids.js';

/** Workflows and definitions of steps are data that nobody changes, and far larger than the jobs that name them. */
const hashes = new WeakMap<object, string>();

function hashOf(definition: object): string {
  let known = hashes.get(definition);
  if (known === undefined) hashes.set(definition, known = contentHash(canonicalJson(definition)));
  return known;
}

function meaningOf(job: JobState): unknown {
  const steps = Object.fromEntries(Object.entries(job.steps).map(([id, step]) => [id, { ...step, definition: hashOf(step.definition) }]));
  return { ...job, workflow: hashOf(job.workflow), steps };
}

/**
 * One hash for what a state means (64 hex digits): two folds of one log agree on it wherever they began. Left out is
 * what may differ without meaning: ids that are past their window, workflows of no open job, spent timers.
 * A line of JSON at a time: the text of a million open jobs would be longer than any string can be.
 */
export function stateHash(state: PartitionState): string {
  const hash = createHash('sha256');
  const say = (value: unknown): void => void hash.update(`${canonicalJson(value)}\n`);
  const { partition, epoch, cursor, timeMs, writtenAtMs, controlOffset, policyVersion } = state;
  const open = [...state.openJobsByTenant].filter(([, count]) => count !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  say({ partition, epoch, cursor, timeMs, writtenAtMs, controlOffset, policyVersion, open, jobs: state.jobs.size });
  for (const job of [...state.jobs.values()].sort(byId)) say(meaningOf(job));
  for (const job of state.remembered.values(state.timeMs)) say(job);
  return hash.digest('hex');
}

function byId(a: { readonly job: string }, b: { readonly job: string }): number {
  return a.job < b.job ? -1 : 1;
}
