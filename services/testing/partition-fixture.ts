// Given-when-then over one partition with the production verbs, codec, keys and inspection, and no I/O: claims go
// in as signed bytes at rising offsets and times, facts come out.

import type { Claim, Fact } from '../../schemas/generated/events.js';
import { limits } from '../../topics/topics.js';
import type { PartitionState } from '../blackboard/board.js';
import type { Contract } from '../blackboard/contract.js';
import { canonicalJson, contentHash, jobId } from '../blackboard/ids.js';
import { policyDefaults, type Policy } from '../blackboard/policy.js';
import { receiptText } from '../blackboard/signed-text.js';
import { defineWorkflow, type Workflow } from '../blackboard/workflow.js';
import { encodeBody } from '../runtime/codec/contract-codec.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { Keyring } from '../runtime/keyring.js';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../runtime/project-root.js';
import { decideRecord } from '../orchestrator/decide-record.js';
import { emptyPartition, evolve } from '../orchestrator/evolve.js';
import { inspect } from '../orchestrator/inspect.js';

export const note: Contract<{ text: string }> = {
  name: 'note@1', evidenceRequired: false,
  avro: { type: 'record', name: 'Note', fields: [{ name: 'text', type: 'string' }] },
  rules: z.strictObject({ text: z.string().min(1).max(50_000) }),
};
export const list: Contract<{ items: readonly { id: string; topic: string }[] }> = {
  name: 'list@1', evidenceRequired: false,
  avro: { type: 'record', name: 'List', fields: [{ name: 'items', type: { type: 'array', items: { type: 'record', name: 'Item', fields: [{ name: 'id', type: 'string' }, { name: 'topic', type: 'string' }] } } }] },
  rules: z.strictObject({ items: z.array(z.strictObject({ id: z.string(), topic: z.string() })).min(1).max(8) }),
};

export const principals = ['ingress', 'orchestrator', 'gateway', 'maker', 'other', 'checker', 'upstream-acme'] as const;
const secrets = Object.fromEntries(principals.map((principal, index) => [principal, Buffer.alloc(32, index + 1)]));
export const keyring = new Keyring(principals.map((principal) => ({ principal, keyId: 'k1', secret: secrets[principal] as Buffer })));

/** Two steps of `maker`, each seen by `checker` where asked. */
export function twoSteps(over: { verifier?: string; attempts?: number; backoffMs?: number; acceptedMin?: number; required?: boolean } = {}): Workflow {
  const { verifier = '', attempts = 2, backoffMs = 0, required = true } = over;
  const step = { agent: 'maker', contract: 'note@1', verifier, attempts, backoffMs, required, deadlineMs: 1_000, verificationDeadlineMs: 500 };
  return defineWorkflow({ name: 'two', deadlineMs: 10_000, result: 'second', steps: [{ id: 'first', ...step }, { id: 'second', after: ['first'], inputs: ['first'], ...step }] });
}

export interface Given {
  readonly workflow?: Workflow;
  readonly policy?: Partial<Policy>;
}

export type ClaimFields = Partial<Omit<Claim, 'type'>> & Record<string, unknown>;

export class PartitionFixture {
  readonly codec = embeddedCodec(join(projectRoot, 'schemas'));
  readonly contracts: ReadonlyMap<string, Contract> = new Map<string, Contract>([['note@1', note as Contract], ['list@1', list as Contract]]);
  state: PartitionState = emptyPartition(0);
  /** Every fact that counts, at its offset on verified. */
  readonly verified: { readonly offset: number; readonly fact: Fact }[] = [];
  readonly threw: unknown[] = [];
  nextQuarantineOffset = 0;
  nowMs = 1_000_000;

  constructor(given: Given = {}) {
    const workflow = given.workflow ?? twoSteps();
    const policy: Policy = {
      ...policyDefaults, olderWorkflows: {}, workflows: { [workflow.name]: workflow },
      principals: {
        ingress: { role: 'ingress', agent: '', tenants: ['*'] }, orchestrator: { role: 'orchestrator', agent: '', tenants: [] }, gateway: { role: 'gateway', agent: '', tenants: [] },
        maker: { role: 'agent', agent: 'maker', tenants: [] }, other: { role: 'agent', agent: 'other', tenants: [] }, checker: { role: 'verifier', agent: 'checker', tenants: [] },
        'upstream-acme': { role: 'upstream', agent: '', tenants: ['acme'] },
      },
      ...given.policy,
    };
    this.#fold({ ...blank, type: 'EpochStarted', owner: 'test' } as unknown as Fact);
    this.#fold({ ...blank, type: 'Checkpointed', epoch: 0, cursor: -1, controlOffset: -1, restoreFrom: 0, restoreEpoch: 0, timeMs: 0, policy: canonicalJson(policy), writtenAtMs: 0 } as unknown as Fact);
  }

  /** Moves the log's clock. */
  after(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  /** Signs a claim as its `signer`'s principal, appends it, and returns the facts of the decision on it. */
  post(type: Claim['type'], fields: ClaimFields, signAs?: string): readonly Fact[] {
    return this.postBytes(this.bytes(type, fields, signAs), Buffer.from(String(fields['job'] ?? '')));
  }

  bytes(type: Claim['type'], fields: ClaimFields, signAs?: string): Buffer {
    const claim = { ...blankClaim, ...fields, type } as unknown as Claim;
    return this.codec.encodeSigned(claim, (fingerprint, body) => keyring.sign(signAs ?? claim.signer, fingerprint, body));
  }

  postBytes(value: Buffer, key: Buffer): readonly Fact[] {
    const offset = this.nextQuarantineOffset++;
    const decoded = this.codec.decode(value);
    const content = decoded.ok
      ? { kind: 'claim' as const, claim: decoded.event as Claim, inspection: inspect({ claim: decoded.event as Claim, key, partition: 0, body: decoded.body, fingerprint: decoded.schema.fingerprint }, keyring, { contracts: this.contracts, partitions: 1 }) }
      : { kind: 'undecodable' as const, reason: decoded.reason };
    const decision = decideRecord(this.state, { offset, appendTimeMs: this.nowMs, digest: this.codec.digest(value), content }, {
      nextOffset: this.verified.length, encode: (fact) => this.codec.encode(fact), batchBytesMax: limits.batchBytesMax, batchRecordsMax: limits.batchRecordsMax, onThrow: (error) => this.threw.push(error),
    });
    for (const fact of decision.facts) this.verified.push({ offset: this.verified.length, fact });
    return decision.facts;
  }

  submit(key = 'job-1', over: ClaimFields = {}): readonly Fact[] {
    const tenant = (over['tenant'] as string | undefined) ?? 'acme';
    return this.post('JobSubmitted', { signer: 'ingress#k1', tenant, job: jobId(tenant, key), idempotencyKey: key, workflow: Object.keys(this.state.policy.workflows)[0], params: '{}', deadlineMs: 0, costCapMicros: 0, goal: '', ...over });
  }

  /** The newest open request of a step (work or verification). */
  request(step: string, job = jobId('acme', 'job-1')): { readonly offset: number; readonly fact: Fact & { type: 'StepRequested' | 'VerificationRequested' } } {
    const found = this.verified.filter(({ fact }) => (fact.type === 'StepRequested' || fact.type === 'VerificationRequested') && fact.step === step && fact.job === job).at(-1);
    if (found === undefined) throw new Error(`no request of ${step}`);
    return found as { offset: number; fact: Fact & { type: 'StepRequested' | 'VerificationRequested' } };
  }

  /** What an agent's claim on the open request of a step says about itself. */
  answering(step: string, principal: string, job?: string): ClaimFields {
    const { fact, offset } = this.request(step, job);
    return { signer: `${principal}#k1`, tenant: fact.tenant, job: fact.job, instance: fact.instance, step, agent: principal, attempt: fact.attempt, requestOffset: offset, usage: { modelCalls: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 }, fallbackTaken: '' };
  }

  propose(step: string, texts: readonly string[], over: ClaimFields = {}, principal = 'maker'): readonly Fact[] {
    const about = this.answering(step, principal, over['job'] as string | undefined);
    const byReference = this.request(step, over['job'] as string | undefined).fact.type === 'StepRequested' && (this.request(step, over['job'] as string | undefined).fact as { delivery?: string }).delivery === 'reference';
    const artifacts = texts.map((text) => artifactOf(encodeBody(note, { text }), 'note@1', byReference));
    const receipts = byReference ? [this.receipt(about, artifacts.map((artifact) => artifact.body.hash), principal)] : [];
    return this.post('ArtifactsProposed', { ...about, artifacts, receipts, ...over });
  }

  receipt(about: ClaimFields, hashes: readonly string[], principal: string): { kind: string; hashes: readonly string[]; signer: string; atMs: number; signature: Buffer } {
    const receipt = { kind: 'body', hashes, signer: 'gateway#k1', atMs: this.nowMs };
    const name = { job: String(about['job']), instance: Number(about['instance']), step: String(about['step']), attempt: Number(about['attempt']) };
    return { ...receipt, signature: keyring.sign('gateway#k1', receiptText(receipt, principal, name)) };
  }

  judgeCandidates(step: string, accepted: readonly boolean[], over: ClaimFields = {}): readonly Fact[] {
    const request = this.request(step, over['job'] as string | undefined).fact;
    const candidates = request.type === 'VerificationRequested' ? request.candidates : [];
    const verdicts = candidates.map((candidate, index) => ({ hash: candidate.hash, accepted: accepted[index] ?? false, reason: accepted[index] ? '' : 'quote-not-found', checksPassed: accepted[index] ? 3 : 1, checksTotal: 3, reasons: [] }));
    return this.post('VerdictsPosted', { ...this.answering(step, 'checker', over['job'] as string | undefined), verdicts, ...over });
  }

  tick(): readonly Fact[] {
    return this.post('Tick', { signer: 'orchestrator#k1', dueAtMs: 0 });
  }

  #fold(fact: Fact): void {
    evolve(this.state, fact, this.verified.length);
    this.verified.push({ offset: this.verified.length, fact });
  }
}

export function artifactOf(bytes: Uint8Array, contract: string, byReference = false): { type: string; contract: string; body: { hash: string; size: number; encoding: string; bytes: Buffer }; evidence: readonly never[]; confidence: number; freshAtMs: number; refs: readonly string[] } {
  return {
    type: contract.split('@')[0] as string, contract, evidence: [], confidence: 1, freshAtMs: 1_000_000, refs: [],
    body: { hash: contentHash(bytes), size: bytes.length, encoding: byReference ? 'reference' : 'inline', bytes: byReference ? Buffer.alloc(0) : Buffer.from(bytes) },
  };
}

/** The types of facts, in order. */
export function typesOf(facts: readonly Fact[]): readonly string[] {
  return facts.map((fact) => fact.type);
}

const blank = {
  step: '', agent: '', epoch: -1, cause: -1, tenant: '', job: '', instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: '',
  workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: '', atMs: 0, trace: '', authentic: true, causeDigest: Buffer.alloc(0),
};
const { authentic: _authentic, causeDigest: _causeDigest, ...blankEnvelope } = blank;
const blankClaim = { ...blankEnvelope, signature: Buffer.alloc(0), reason: '' };
