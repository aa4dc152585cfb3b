// R12 and the gate: who may say what, and what must hold before it becomes a fact.

import type { Mutant } from '../mutant.js';

const judge = 'orchestrator/judge.js';
const decideRecord = 'orchestrator/decide-record.js';

/** A refusal that closes the attempt of the step that the claim names, whoever sent it. */
const closing = "{ const job = state.jobs.get(claim.job); const step = job?.steps[claim.step]; return { ...refuse('bad-signature'), closes: step?.status === 'working' ? { job, step } : null }; }";

export const gate: readonly Mutant[] = [
  { id: 'signature-not-checked', breaks: 'R12', caughtBy: 'I4', edits: [[judge, "return refuse('bad-signature');", ';']] },
  { id: 'unauthentic-claim-closes-the-attempt', breaks: 'R12', caughtBy: 'I4', edits: [[judge, "return refuse('bad-signature');", closing]] },
  { id: 'refusal-names-the-tenant-of-a-forgery', breaks: 'R12', caughtBy: 'I16', edits: [[decideRecord, 'const bound = authentic && principal !== null &&', 'const bound = principal !== null &&']] },
  { id: 'refusal-names-a-foreign-tenant', breaks: 'R12', caughtBy: 'I16', edits: [[decideRecord, '(speaksFor(principal, claim.tenant) || job?.tenant === claim.tenant)', 'true']] },
  { id: 'failing-claim-leaves-the-attempt-open', breaks: 'R12', caughtBy: 'R12', edits: [[decideRecord, 'failAttempt(turn, job, step, {', 'if (false) failAttempt(turn, job, step, {']] },
  { id: 'role-not-checked', breaks: 'gate', caughtBy: 'I4', edits: [[judge, "return refuse('wrong-role');", ';']] },
  { id: 'route-not-checked', breaks: 'gate', caughtBy: 'I4', edits: [[judge, "return refuse('misrouted');", ';']] },
  { id: 'signer-not-the-one-asked', breaks: 'gate', caughtBy: 'I4', edits: [[judge, "return refuse('foreign-claim');", ';']] },
  { id: 'answers-to-closed-attempts-count', breaks: 'gate', caughtBy: 'I4', edits: [[judge, 'claim.attempt !== step.attempt', 'claim.attempt > step.attempt']] },
  { id: 'request-not-checked', breaks: 'gate', caughtBy: 'I4', edits: [[judge, "return refuse('wrong-request');", ';']] },
  { id: 'receipts-not-checked', breaks: 'gate', caughtBy: 'I4', edits: [[judge, 'if (!inspection.receiptsValid)', 'if (false)']] },
  { id: 'verdict-for-another-hash', breaks: 'gate', caughtBy: 'I4', edits: [[judge, 'if (claim.verdicts.some((verdict) => !shown.has(verdict.hash)))', 'if (false)']] },
  { id: 'evidence-not-checked', breaks: 'gate', caughtBy: 'I5', edits: [[judge, 'if (artifact.evidence.some((evidence) => !given.has(evidence.reference) && !receipts.has(evidence.reference)))', 'if (false)']] },
  { id: 'hash-not-checked', breaks: 'gate', caughtBy: 'I3', edits: [[judge, 'if (check === undefined || !check.hashMatches)', 'if (check === undefined)']] },
  { id: 'rejected-artifact-verified', breaks: 'gate', caughtBy: 'I3', edits: [['orchestrator/decide.js', 'if (verdict.accepted) {', 'if (true) {']] },
];
