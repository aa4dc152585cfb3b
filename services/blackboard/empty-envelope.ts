import type { Envelope } from '../../schemas/generated/events.js';

/** The envelope of an event that is about no job, no step and no one's claim: what is known is put over it. */
export const emptyEnvelope: Envelope = Object.freeze({
  step: '', agent: '', epoch: -1, cause: -1, tenant: '', job: '', instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: '',
  workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: '', atMs: 0, trace: '',
});
