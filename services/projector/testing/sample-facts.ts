// Facts for tests: one of each type with plausible values, and a log of whole jobs with changes of epoch in it.

import { createHash } from 'node:crypto';
import type { Body, Fact, FactEnvelope } from '../../../schemas/generated/events.js';
import { contentHash, jobId } from '../../blackboard/ids.js';
import type { TopicName } from '../../../topics/topics.js';
import type { EventCodec } from '../../runtime/codec/event-codec.js';
import type { LogPort } from '../../runtime/log/port.js';

type Specific = { readonly [T in Fact['type']]: Omit<Extract<Fact, { type: T }>, keyof FactEnvelope | 'type'> };

export const sampleJob = jobId('acme', 'order-1');

export function inlineBody(text: string): Body {
  const bytes = Buffer.from(text);
  return { hash: contentHash(bytes), size: bytes.length, encoding: 'inline', bytes };
}

const noBody: Body = { hash: '', size: 0, encoding: 'inline', bytes: Buffer.alloc(0) };
const capability = { principal: 'researcher', hashes: [], expiresAtMs: 1_760_000_060_000 };
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

const specific: Specific = {
  EpochStarted: { owner: 'orchestrator-1' },
  Checkpointed: { cursor: 7, controlOffset: 2, restoreFrom: 3, restoreEpoch: 1, timeMs: 1_760_000_000_000, policy: '{}', writtenAtMs: 1_760_000_000_001 },
  TickObserved: { timeMs: 1_760_000_000_500 },
  PolicyAdopted: { controlOffset: 3, policy: '{}' },
  JobAccepted: { idempotencyKey: 'order-1', workflow: 'brief', params: '{"question":"why?"}', submissionDigest: hash('submission'), deadlineAtMs: 1_760_000_300_000, costCapMicros: 5_000_000, goal: 'know why' },
  StepRequested: {
    contractOut: 'finding@1', delivery: 'reference', inlineBytesMax: 16_384, params: '{}', inputs: [], variation: { kind: 'none', value: '', reasons: [] },
    deadlineAtMs: 1_760_000_060_000, capability, inputHash: hash('input'), edgeLabel: 'plan→research',
  },
  VerificationRequested: {
    params: '{}', inputs: [], deadlineAtMs: 1_760_000_060_000, capability: { ...capability, principal: 'verifier' }, inputHash: hash('candidates'), edgeLabel: 'research→verify', costMicros: 900, fallbackTaken: '',
    candidates: [{ type: 'finding', contract: 'finding@1', hash: hash('candidate'), size: 120, producer: 'researcher', refs: [], confidence: 0.9, freshAtMs: 1_759_999_000_000, evidence: [] }],
  },
  ArtifactVerified: {
    artifactType: 'finding', contract: 'finding@1', body: inlineBody('{"claim":"it is so"}'), producer: 'researcher', verifier: 'verifier', evidence: [{ source: 'document', reference: hash('doc'), position: 17 }],
    confidence: 0.9, freshAtMs: 1_759_999_000_000, refs: [], rubricScore: 1, latencyMs: 250, costMicros: 1_200, fallbackTaken: '', edgeLabel: 'verify→accept',
  },
  ArtifactRejected: {
    artifactType: 'finding', contract: 'finding@1', hash: hash('candidate'), size: 120, producer: 'researcher', verifier: 'verifier', reason: 'quote-not-found', reasons: [{ code: 'quote-not-found', position: 0 }],
    rubricScore: 0.5, latencyMs: 260, costMicros: 1_100, fallbackTaken: 'pick_fallback', edgeLabel: 'verify→reject',
  },
  AttemptFailed: { reason: 'candidates-rejected', reasons: [{ code: 'quote-not-found', position: 0 }], retryAtMs: 1_760_000_010_000, latencyMs: 300, costMicros: 1_100, fallbackTaken: '', edgeLabel: 'retry' },
  StepCompleted: { accepted: 2, rejected: 1, latencyMs: 400, costMicros: 1_500, rubricScore: 0.75, fallbackTaken: '', edgeLabel: 'research→write' },
  StepFailed: { reason: 'attempts-used-up', attempts: 3, escalated: true, latencyMs: 900, edgeLabel: 'escalate' },
  PlanExpanded: { template: 'research', steps: [{ step: 'research-1', agent: 'researcher', params: '{}' }], edgeLabel: 'expand' },
  JobEnded: { outcome: 'completed', reason: '', resultType: 'brief', resultContract: 'brief@1', forgetAtMs: 86_400_000, result: inlineBody('# Brief'), latencyMs: 2_000, costMicros: 4_000, edgeLabel: 'end' },
  ClaimRefused: { claimType: 'ArtifactsProposed', reason: 'late-attempt', closesAttempt: false, detail: 'attempt' },
  ClaimParked: { claimType: 'VerdictsPosted', reason: 'verb-threw', detail: 'TypeError' },
  ClaimDeadLettered: { reason: 'not-avro' },
};

export const factTypes = Object.keys(specific) as readonly Fact['type'][];

/** A fact of a type; what is not given is plausible. */
export function sampleFact<T extends Fact['type']>(type: T, given: Partial<Extract<Fact, { type: T }>> = {}): Extract<Fact, { type: T }> {
  const envelope: FactEnvelope = {
    step: 'research', agent: 'researcher', epoch: 0, cause: 12, tenant: 'acme', job: sampleJob, instance: 5, attempt: 1, agentVersion: '1.2.0', correlation: 'c-1', causation: 'q/0/12', onBehalfOf: 'ada',
    workflowVersion: 'w1', policyVersion: 'p1', promptHash: 'ph1', modelId: 'model-1', signer: 'researcher#k1', atMs: 1_760_000_000_000, trace: '', authentic: true, causeDigest: Buffer.alloc(32, 7),
  };
  return { type, ...envelope, ...specific[type], ...given } as unknown as Extract<Fact, { type: T }>;
}

/** The facts of one job that succeeds at its second attempt: 11 records. */
export function jobFacts(number: number, epoch: number): readonly Fact[] {
  const life = { job: jobId('acme', `order-${number}`), instance: number, epoch, tenant: number % 3 === 0 ? 'globex' : 'acme' };
  const whole = { ...life, step: '', agent: '', attempt: 0, modelId: '' };
  const candidate = hash(`candidate ${number}`);
  const first = { ...life, attempt: 1 };
  const second = { ...life, attempt: 2, cause: 40 };
  return [
    sampleFact('JobAccepted', { ...whole, cause: number, idempotencyKey: `order-${number}` }),
    sampleFact('StepRequested', first),
    sampleFact('VerificationRequested', { ...first, agent: 'verifier', candidates: specific.VerificationRequested.candidates.map((one) => ({ ...one, hash: candidate })) }),
    sampleFact('ArtifactRejected', { ...first, hash: candidate }),
    sampleFact('AttemptFailed', first),
    sampleFact('StepRequested', { ...second, variation: { kind: 'constraint', value: 'quote exactly', reasons: [] } }),
    sampleFact('ClaimRefused', { ...first, signer: 'liar#k1' }),
    sampleFact('VerificationRequested', { ...second, agent: 'verifier' }),
    sampleFact('ArtifactVerified', second),
    sampleFact('StepCompleted', second),
    sampleFact('JobEnded', { ...whole, result: number % 2 === 0 ? inlineBody(`# Brief ${number}`) : noBody }),
  ];
}

export interface FillOptions {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly topic: TopicName;
  readonly partition: number;
  readonly jobs: number;
  /** Number of the first job. */
  readonly from?: number;
}

/** Appends an epoch and whole jobs to a partition, and every seventh job again under an epoch that is over. Answers the number of records. */
export async function fillLog({ log, codec, topic, partition, jobs, from = 0 }: FillOptions): Promise<number> {
  const append = async (facts: readonly Fact[]): Promise<number> => {
    const records = facts.map((fact) => ({ key: Buffer.from(fact.job), value: codec.encode(fact) }));
    return (await log.append({ topic, partition, records })).baseOffset;
  };
  let count = 0;
  let epoch = await append([sampleFact('EpochStarted', { epoch: -1, job: '', step: '', agent: '', attempt: 0, instance: -1, cause: -1 })]);
  count += 1;
  for (let number = from; number < from + jobs; number += 1) {
    count += (await append(jobFacts(number, epoch)), 11);
    if (number % 7 !== 6) continue;
    const stale = epoch;
    epoch = await append([sampleFact('EpochStarted', { epoch: -1, job: '', step: '', agent: '', attempt: 0, instance: -1, cause: -1, owner: `orchestrator-${number}` })]);
    count += 1 + (await append(jobFacts(number, stale)), 11);
  }
  return count;
}
