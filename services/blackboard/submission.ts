import type { JobSubmitted } from '../../schemas/generated/events.js';
import { canonicalJson, contentHash } from './ids.js';

type Submission = Pick<JobSubmitted, 'tenant' | 'workflow' | 'params' | 'deadlineMs' | 'costCapMicros' | 'goal'>;

/**
 * What tells "the same submission again" from "the same key with another body": SHA-256 (64 hex digits) over all
 * that the submitter asked for. `params` is JSON text; its formatting does not matter.
 */
export function submissionDigest(submission: Submission): string {
  const { tenant, workflow, params, deadlineMs, costCapMicros, goal } = submission;
  return contentHash(canonicalJson({ tenant, workflow, params: JSON.parse(params) as unknown, deadlineMs, costCapMicros, goal }));
}
