// Why a claim is refused: a closed list. A reason is a code; what it quotes is field names and positions only.

export const refusals = {
  'bad-signature': { closesAttempt: false, means: 'the signature does not fit the bytes and the named signer' },
  'unknown-principal': { closesAttempt: false, means: 'the signer is not known to the policy in force' },
  'wrong-role': { closesAttempt: false, means: "the signer's role may not send this type" },
  'foreign-tenant': { closesAttempt: false, means: 'the signer may not speak for this tenant' },
  'bad-receipt': { closesAttempt: false, means: 'a receipt in the claim was not signed by the gateway for this attempt' },
  misrouted: { closesAttempt: false, means: 'the record key or the partition is not the one that the job id asks for' },
  'malformed-claim': { closesAttempt: false, means: 'a field breaks a rule of the envelope' },
  'idempotency-key-reused': { closesAttempt: false, means: 'the key was used before with another body' },
  'duplicate-submission': { closesAttempt: false, means: 'the same submission was accepted before; its job stands' },
  'unknown-workflow': { closesAttempt: false, means: 'no workflow of that name or version is in force' },
  'tenant-over-limit': { closesAttempt: false, means: 'the tenant has as many open jobs as it may' },
  'unknown-job': { closesAttempt: false, means: 'there is no such job, or it is forgotten' },
  'job-ended': { closesAttempt: false, means: 'the job has ended' },
  'stale-instance': { closesAttempt: false, means: 'the claim is for an earlier life of this job id' },
  'foreign-claim': { closesAttempt: false, means: 'the signer is not the agent that was asked' },
  'late-attempt': { closesAttempt: false, means: 'the attempt is closed: answered before, timed out or replaced' },
  'wrong-request': { closesAttempt: false, means: 'the claim names another request than the open one' },
  'self-verification': { closesAttempt: false, means: 'a producer cannot verify its own work' },
  'foreign-candidate': { closesAttempt: false, means: 'a verdict is for a hash that was not shown, or one shown got none' },
  'contract-violation': { closesAttempt: true, means: 'a body does not keep its contract' },
  'wrong-contract': { closesAttempt: true, means: 'a body names another contract than the step asks for' },
  'hash-mismatch': { closesAttempt: true, means: 'an inline body does not have the hash that the claim names' },
  'body-missing': { closesAttempt: true, means: 'a body goes by reference without a valid receipt of the gateway' },
  'evidence-missing': { closesAttempt: true, means: 'the contract asks for evidence and there is none' },
  'evidence-unresolved': { closesAttempt: true, means: 'evidence cites what the step was not given' },
  stale: { closesAttempt: true, means: 'the data is older than the step allows' },
  'future-stamp': { closesAttempt: true, means: 'the data bears a time that has not come yet' },
  'confidence-low': { closesAttempt: true, means: 'the confidence does not reach the bar of the step' },
  'too-many-artifacts': { closesAttempt: true, means: 'more artifacts than the step allows' },
  'duplicate-artifact': { closesAttempt: true, means: 'the same body is proposed twice in one answer' },
  'too-few-accepted': { closesAttempt: true, means: 'fewer artifacts were verified than the step needs' },
  'decision-too-large': { closesAttempt: true, means: 'the facts would not fit one batch' },
} as const satisfies Readonly<Record<string, { readonly closesAttempt: boolean; readonly means: string }>>;

export type Refusal = keyof typeof refusals;

/** Why an attempt, step or job ended without a result; besides these, refusals that close and agents' own codes. */
export const failures = {
  'deadline-passed': 'the attempt had no answer by its deadline',
  'verification-deadline-passed': 'the verifier had not answered by its deadline',
  'candidates-rejected': 'the verifier accepted fewer candidates than the step needs',
  'agent-failed': 'the agent reported a failure',
  'verifier-failed': 'the verifier reported a failure',
  'attempts-used-up': 'no attempt is left',
  'step-failed': 'a required step failed',
  'job-deadline-passed': 'the job had not ended by its deadline',
  'cancel-requested': 'a person or system asked for it',
} as const;
