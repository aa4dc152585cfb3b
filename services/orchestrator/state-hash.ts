import type { JobState, PartitionState } from '../blackboard/board.js';
import { canonicalJson, contentHash } from '../blackboard/ids.js';
import { isRemembered } from './evolve.js';

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
 */
export function stateHash(state: PartitionState): string {
  const jobs = [...state.jobs.values()].sort((a, b) => (a.job < b.job ? -1 : 1)).map(meaningOf);
  const remembered = [...state.remembered.values()].filter((job) => isRemembered(state, job)).sort((a, b) => (a.job < b.job ? -1 : 1));
  const open = [...state.openJobsByTenant].filter(([, count]) => count !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  const { partition, epoch, cursor, timeMs, controlOffset, policyVersion } = state;
  return contentHash(canonicalJson({ partition, epoch, cursor, timeMs, controlOffset, policyVersion, jobs, remembered, open }));
}
