import { createHash } from 'node:crypto';
import type { PartitionState } from '../blackboard/board.js';
import { canonicalJson } from '../blackboard/ids.js';
import { isRemembered } from './evolve.js';

/**
 * One hash for what a state means (64 hex digits): two folds of one log agree on it wherever they began. Left out is
 * what may differ without meaning: ids that are past their window, workflows of no open job, spent timers.
 */
export function stateHash(state: PartitionState): string {
  const jobs = [...state.jobs.values()].sort((a, b) => (a.job < b.job ? -1 : 1));
  const remembered = [...state.remembered.values()].filter((job) => isRemembered(state, job)).sort((a, b) => (a.job < b.job ? -1 : 1));
  const open = [...state.openJobsByTenant].filter(([, count]) => count !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  const { partition, epoch, cursor, timeMs, controlOffset, policyVersion } = state;
  return createHash('sha256').update(canonicalJson({ partition, epoch, cursor, timeMs, controlOffset, policyVersion, jobs, remembered, open })).digest('hex');
}
