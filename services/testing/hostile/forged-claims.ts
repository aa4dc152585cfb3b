// Claims about honest jobs under way, by agents with keys of their own: forged, replayed, out of turn, out of place.

import { answerFields, artifact, verdictsOn, type Fields } from '../chaos/claims.js';
import type { OpenRequest } from '../chaos/log-follower.js';
import { about, alteredUnderSignature, anyHash, refused, type Kind, type Made, type Vantage } from './kind.js';

type Signing = { readonly principal: string; readonly named?: string };

function noteOf(at: Vantage): Fields {
  return artifact(Buffer.concat([Buffer.from([40]), Buffer.from(`note ${at.dice.between(10 ** 14, 10 ** 15 - 1)}`)]));
}

/** An answer to a request, with what is changed about it. */
function answer(at: Vantage, request: OpenRequest, by: Signing, over: Fields = {}): Buffer {
  return at.sender.signed('ArtifactsProposed', { ...answerFields(request.fact, request.record.offset), ...noteOf(at), ...over }, by);
}

/** Verdicts that accept all that was shown, or one hash where nothing was. */
function verdicts(at: Vantage, request: OpenRequest, by: Signing, over: Fields = {}): Buffer {
  const shown = request.fact.type === 'VerificationRequested' ? request.fact.candidates.map((candidate) => candidate.hash) : [anyHash(at)];
  return at.sender.signed('VerdictsPosted', { ...answerFields(request.fact, request.record.offset), ...verdictsOn(shown), ...over }, by);
}

/** On an honest job's request, if there is one. */
function onHonest(make: (at: Vantage, request: OpenRequest) => Buffer, type?: OpenRequest['fact']['type']): Kind['make'] {
  return (at) => {
    const request = at.honest(type);
    return request === null ? null : about(request, make(at, request));
  };
}

const mallory = { principal: 'mallory' } as const;
const verifier = { principal: 'mallory-checker' } as const;

const forgeries: readonly Kind[] = [
  { name: 'forged verdict', expects: refused('bad-signature'), make: onHonest((at, request) => verdicts(at, request, { principal: 'mallory', named: 'checker' }, { agent: 'checker' }), 'VerificationRequested') },
  { name: 'forged answer', expects: refused('bad-signature'), make: onHonest((at, request) => answer(at, request, { principal: 'mallory', named: 'worker' }), 'StepRequested') },
  { name: "signature of another event's schema", expects: refused('bad-signature'), make: onHonest((at, request) => signedAsAnotherType(at, request)) },
  { name: 'contents changed under the signature', expects: refused('bad-signature'), make: onHonest((at, request) => alteredUnderSignature(at, answer(at, request, mallory), { agentVersion: '6.6.7' })) },
  { name: 'signature of a claim on another job', expects: refused('bad-signature'), make: replayedUnderAnotherJob },
  { name: 'signature cut short', expects: refused('bad-signature'), make: onHonest((at, request) => alteredUnderSignature(at, answer(at, request, mallory), { signature: Buffer.alloc(31, 7) })) },
  { name: 'unknown key id', expects: refused('bad-signature'), make: onHonest((at, request) => alteredUnderSignature(at, answer(at, request, mallory), { signer: 'mallory#k9' })) },
  { name: 'principal that the policy does not know', expects: refused('unknown-principal'), make: onHonest((at, request) => answer(at, request, { principal: 'ghost' })) },
  { name: 'control characters for a signer', expects: refused('unknown-principal'), make: onHonest((at, request) => alteredUnderSignature(at, answer(at, request, mallory), { signer: '\u001b[2J#\u202e' })) },
  { name: 'principal named after the object prototype', expects: refused('unknown-principal'), make: onHonest((at, request) => alteredUnderSignature(at, answer(at, request, mallory), { signer: '__proto__#k1' })) },
];

function signedAsAnotherType(at: Vantage, request: OpenRequest): Buffer {
  const failure = at.sender.signed('FailureReported', { ...answerFields(request.fact, request.record.offset), code: 'x', retryable: false }, mallory);
  const decoded = at.codec.decode(failure);
  const signature = decoded.ok && 'signature' in decoded.event ? decoded.event.signature : Buffer.alloc(32);
  return alteredUnderSignature(at, answer(at, request, mallory), { signature });
}

function replayedUnderAnotherJob(at: Vantage): Made | null {
  const [first, second] = [at.honest(), at.honest()];
  if (first === null || second === null) return null;
  return about(second, alteredUnderSignature(at, answer(at, first, mallory), { job: second.fact.job, instance: second.fact.instance, requestOffset: second.record.offset, attempt: second.fact.attempt, causation: 'v/0/0' }));
}

const outOfTurn: readonly Kind[] = [
  { name: 'verdict of an agent that is no verifier', expects: refused('wrong-role'), make: onHonest((at, request) => verdicts(at, request, mallory)) },
  { name: 'cancellation by an agent', expects: refused('wrong-role'), make: onHonest((at, { fact }) => at.sender.signed('CancelRequested', { tenant: fact.tenant, job: fact.job, instance: fact.instance, reason: '' }, mallory)) },
  { name: 'submission by an agent', expects: refused('wrong-role'), make: onHonest((at, { fact }) => at.sender.signed('JobSubmitted', { ...at.own.fields, job: fact.job }, mallory)) },
  { name: 'tick of an agent', expects: refused('wrong-role'), make: (at) => ({ key: Buffer.alloc(0), partition: at.dice.between(0, at.partitions - 1), value: at.sender.signed('Tick', { dueAtMs: 2 ** 50 }, mallory) }) },
  { name: 'self-verification under a second name', expects: refused('self-verification', 'attempt-open'), make: onHonest((at, request) => verdicts(at, request, { principal: 'second-name' }, { agent: 'worker' })) },
  { name: 'verdict of a verifier that was not asked', expects: refused('foreign-claim', 'attempt-open'), make: onHonest((at, request) => verdicts(at, request, verifier)) },
  { name: 'answer of an agent that was not asked', expects: refused('foreign-claim', 'attempt-open'), make: onHonest((at, request) => answer(at, request, mallory)) },
  { name: 'answer in its own name to a request of another', expects: refused('foreign-claim', 'attempt-open'), make: onHonest((at, request) => answer(at, request, mallory, { agent: 'mallory' })) },
  { name: 'failure reported for another', expects: refused('foreign-claim', 'attempt-open'), make: onHonest((at, request) => at.sender.signed('FailureReported', { ...answerFields(request.fact, request.record.offset), code: 'gave-up', retryable: false }, mallory)) },
  { name: 'answer before the request', expects: refused('foreign-claim', 'attempt-open'), make: onHonest((at, request) => answer(at, request, mallory, { requestOffset: request.record.offset + at.dice.between(1, 500) })) },
  { name: 'late attempt', expects: refused('late-attempt', 'job-open'), make: onHonest((at, request) => answer(at, request, mallory, { attempt: request.fact.attempt - 1 })) },
  { name: 'attempt that has not begun', expects: refused('late-attempt', 'job-open'), make: onHonest((at, request) => answer(at, request, mallory, { attempt: request.fact.attempt + 1 })) },
  { name: 'earlier life of the job', expects: refused('stale-instance', 'job-open'), make: onHonest((at, request) => answer(at, request, mallory, { instance: request.fact.instance - 1 })) },
  { name: 'step that the job does not have', expects: refused('malformed-claim', 'job-open'), make: onHonest((at, request) => answer(at, request, mallory, { step: at.dice.pick(['__proto__', 'constructor', 'one\u0000', '']) })) },
  { name: 'job of another tenant', expects: refused('foreign-tenant', 'job-open'), make: onHonest((at, request) => answer(at, request, mallory, { tenant: 'initech' })) },
  { name: 'answer to an ended job', expects: refused('job-ended'), make: (at) => {
    const request = at.ended();
    return request === null ? null : about(request, answer(at, request, mallory));
  } },
];

const misplaced: readonly Kind[] = [
  { name: 'wrong key', expects: refused('misrouted'), make: onHonestAt((at, request) => ({ key: Buffer.from(anyHash(at).slice(0, 32)), value: answer(at, request, mallory), partition: at.sender.partitionOf(request.fact.job) })) },
  { name: 'wrong partition', expects: refused('misrouted'), make: onHonestAt((at, request) => ({ key: Buffer.from(request.fact.job), value: answer(at, request, mallory), partition: (at.sender.partitionOf(request.fact.job) + 1) % at.partitions })) },
  { name: "claim replayed under another job's key", expects: refused('misrouted'), make: onHonestAt((at, request) => ({ key: Buffer.from(request.fact.job), value: at.own.value })) },
  { name: 'no job', expects: refused('malformed-claim'), make: (at) => ({ key: Buffer.from('no job'), partition: 0, value: at.sender.signed('FailureReported', { job: 'no job', code: 'x', retryable: true, requestOffset: 0, usage: noUsage, fallbackTaken: '' }, mallory) }) },
  { name: 'job that nobody knows', expects: refused('unknown-job'), make: (at) => {
    const job = anyHash(at).slice(0, 32);
    return { key: Buffer.from(job), value: at.sender.signed('FailureReported', { job, code: 'x', retryable: true, requestOffset: 0, usage: noUsage, fallbackTaken: '' }, mallory) };
  } },
];

function onHonestAt(make: (at: Vantage, request: OpenRequest) => Made): Kind['make'] {
  return (at) => {
    const request = at.honest();
    return request === null ? null : make(at, request);
  };
}

export const noUsage = { modelCalls: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 } as const;

export const forgedClaims: readonly Kind[] = [...forgeries, ...outOfTurn, ...misplaced];
