import type { Checkpointed } from '../../schemas/generated/events.js';
import type { PartitionState } from '../blackboard/board.js';
import { emptyEnvelope } from '../blackboard/empty-envelope.js';
import type { Policy } from '../blackboard/policy.js';
import { policyTextOf, policyVersionOf, policyWithOlder, policyWithoutOlder, workflowVersionOf } from '../blackboard/policy-version.js';
import type { Workflow } from '../blackboard/workflow.js';

/** The policy to put in force: the deployment's, and the workflow versions that open jobs began with. */
export function policyWith(policy: Policy, state: PartitionState): Policy {
  const current = new Set(Object.values(policy.workflows).map(workflowVersionOf));
  const older: Record<string, Workflow> = {};
  for (const job of state.jobs.values()) if (!current.has(job.workflowVersion)) older[job.workflowVersion] = job.workflow;
  return Object.keys(older).length === 0 ? policyWithoutOlder(policy) : policyWithOlder(policy, older);
}

/** Where a checkpoint stands: its own offset on verified, and the digest of the marker that it stands behind. */
export interface CheckpointPlace {
  readonly offset: number;
  readonly markerDigest: Buffer;
  /** Append time of what the owner wrote last. */
  readonly writtenAtMs: number;
}

/** The oldest offset on verified from which all that matters to a state can be read, and the epoch in force there. */
export function restorePoint(state: PartitionState): { readonly offset: number; readonly epoch: number } {
  let oldest = { acceptedOffset: state.epoch, acceptedEpoch: state.epoch };
  for (const job of state.jobs.values()) if (job.acceptedOffset < oldest.acceptedOffset) oldest = job;
  const ended = state.remembered.oldest(state.timeMs);
  if (ended !== undefined && ended.acceptedOffset < oldest.acceptedOffset) oldest = ended;
  return { offset: oldest.acceptedOffset, epoch: oldest.acceptedEpoch };
}

/** What an owner has restored, and from where the next one has to read. It names its marker as its cause, with its digest. */
export function checkpointOf(state: PartitionState, policy: Policy, { offset, markerDigest, writtenAtMs }: CheckpointPlace): Checkpointed {
  const from = restorePoint(state);
  return {
    ...emptyEnvelope, type: 'Checkpointed', epoch: state.epoch, causation: `v/${state.partition}/${offset - 1}`, policyVersion: policyVersionOf(policy),
    atMs: state.timeMs, authentic: true, causeDigest: markerDigest,
    cursor: state.cursor, controlOffset: state.controlOffset, restoreFrom: from.offset, restoreEpoch: from.epoch, timeMs: state.timeMs, policy: policyTextOf(policy), writtenAtMs,
  };
}
