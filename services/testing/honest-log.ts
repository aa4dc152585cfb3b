// An honest log of any size, decided by the production verbs and nothing else: no loop, no clock, no I/O. Four steps,
// six attempts and three verdicts a job, twenty jobs at a time in each partition, a forged claim among every hundred.

import type { Claim, Fact } from '../../schemas/generated/events.js';
import type { HeldLog } from '../../replay/golden-file.js';
import { limits } from '../../topics/topics.js';
import { emptyEnvelope } from '../blackboard/empty-envelope.js';
import { jobId } from '../blackboard/ids.js';
import { receiptText } from '../blackboard/signed-text.js';
import { checkpointOf } from '../orchestrator/checkpoint.js';
import { decideRecord } from '../orchestrator/decide-record.js';
import { emptyPartition, evolve } from '../orchestrator/evolve.js';
import { inspect } from '../orchestrator/inspect.js';
import { encodeBody } from '../runtime/codec/contract-codec.js';
import { partitionFor } from '../runtime/log/partitioner.js';
import { artifactOf } from './partition-fixture.js';
import { codec, contracts, epochMs, keyring, note, plan, policy, topics } from './simulation/blackboard-of-seed.js';

const openJobs = 20;
const forgedEvery = 100;
type Request = Fact & { readonly type: 'StepRequested' | 'VerificationRequested' };
interface Waiting { readonly key: Buffer; readonly value: Buffer }

/** Appends to `log` until both topics together hold `events` records or a few more. */
export function writeHonestLog(log: HeldLog, { events, partitions }: { readonly events: number; readonly partitions: number }): void {
  const writers = Array.from({ length: partitions }, (_, partition) => new PartitionWriter(log, partition, partitions));
  let job = 0;
  for (;;) {
    for (const writer of writers) {
      while (writer.open < openJobs) {
        const key = `job-${job++}`;
        writers[partitionFor(Buffer.from(jobId('acme', key)), partitions)]?.submit(key);
      }
      writer.step();
    }
    if (writers.reduce((sum, writer) => sum + writer.records, 0) >= events) break;
  }
  // Nothing stays open: what was asked for is answered to the end.
  for (const writer of writers) while (writer.step());
}

class PartitionWriter {
  readonly #state;
  readonly #waiting: Waiting[] = [];
  #at = 0;
  #nowMs = epochMs;
  #submitted = 0;

  constructor(private readonly log: HeldLog, private readonly partition: number, private readonly partitions: number) {
    this.#state = emptyPartition(partition);
    const marker: Fact = { ...emptyEnvelope, type: 'EpochStarted', authentic: true, causeDigest: Buffer.alloc(0), owner: 'honest' };
    const bytes = codec.encode(marker);
    this.#fact(marker, bytes, 0);
    evolve(this.#state, marker, 0);
    const checkpoint = checkpointOf(this.#state, policy, { offset: 1, markerDigest: codec.digest(bytes), writtenAtMs: this.#nowMs });
    this.#fact(checkpoint, codec.encode(checkpoint), 1);
    evolve(this.#state, checkpoint, 1);
  }

  get open(): number {
    return this.#state.jobs.size + this.#submitted;
  }

  get records(): number {
    return this.log.records(topics.quarantine, this.partition).length + this.log.records(topics.verified, this.partition).length;
  }

  submit(key: string): void {
    this.#submitted += 1;
    const job = jobId('acme', key);
    this.#send(job, signedClaim('JobSubmitted', { tenant: 'acme', job, idempotencyKey: key, workflow: 'planned', params: '{"topic":"logs"}', deadlineMs: 0, costCapMicros: 0, goal: '' }, { principal: 'ingress' }));
  }

  /** Appends the next claim and its decision; false when none waits. */
  step(): boolean {
    const next = this.#waiting[this.#at];
    if (next === undefined) return false;
    this.#at += 1;
    if (this.#at > 10_000) {
      this.#waiting.splice(0, this.#at);
      this.#at = 0;
    }
    const { key, value } = next;
    this.#nowMs += 3;
    const offset = this.log.records(topics.quarantine, this.partition).length;
    this.log.add(topics.quarantine, this.partition, { appendTimeMs: this.#nowMs, key, value });
    const decoded = codec.decode(value);
    if (!decoded.ok) throw new Error(`a claim of our own cannot be decoded: ${decoded.reason}`);
    const claim = decoded.event as Claim;
    if (claim.type === 'JobSubmitted') this.#submitted -= 1;
    const inspection = inspect({ claim, key, partition: this.partition, body: decoded.body, fingerprint: decoded.schema.fingerprint }, keyring, { contracts, partitions: this.partitions });
    const nextOffset = this.log.records(topics.verified, this.partition).length;
    const { facts, encoded } = decideRecord(this.#state, { offset, appendTimeMs: this.#nowMs, digest: codec.digest(value), content: { kind: 'claim', claim, inspection } }, {
      nextOffset, encode: (fact) => codec.encode(fact), batchBytesMax: limits.batchBytesMax, batchRecordsMax: limits.batchRecordsMax, onThrow: (error) => { throw error as Error; },
    });
    facts.forEach((fact, index) => { this.#fact(fact, encoded[index] as Buffer, nextOffset + index); });
    return true;
  }

  #fact(fact: Fact, value: Buffer, offset: number): void {
    this.log.add(topics.verified, this.partition, { appendTimeMs: this.#nowMs, key: Buffer.from(fact.job), value });
    if (fact.type === 'StepRequested' || fact.type === 'VerificationRequested') this.#answer(fact, offset);
  }

  #answer(request: Request, offset: number): void {
    const { job, instance, step, attempt, tenant, agent } = request;
    const about = {
      tenant, job, instance, step, agent, attempt, agentVersion: '1.0.0', causation: `v/${this.partition}/${offset}`, promptHash: 'a1b2c3', modelId: 'none', requestOffset: offset, atMs: this.#nowMs,
      usage: { modelCalls: 1, inputTokens: 900, outputTokens: 120, costMicros: 40 }, fallbackTaken: '',
    };
    if (offset % forgedEvery === 0) this.#send(job, signedClaim('FailureReported', { ...about, code: 'forged', retryable: true }, { principal: 'ghost', named: agent }));
    if (request.type === 'VerificationRequested') {
      const verdicts = request.candidates.map(({ hash }) => ({ hash, accepted: true, reason: '', checksPassed: 4, checksTotal: 4, reasons: [] }));
      return this.#send(job, signedClaim('VerdictsPosted', { ...about, verdicts }, { principal: agent }));
    }
    const body = request.contractOut === plan.name ? encodeBody(plan, { items: [{ id: 'a', topic: 'one' }, { id: 'b', topic: 'two' }] }) : encodeBody(note, { text: `${step} of ${job}, attempt ${attempt}: ${'what was found '.repeat(8)}` });
    const artifact = { ...artifactOf(body, request.contractOut, request.delivery === 'reference'), freshAtMs: this.#nowMs, evidence: request.inputs.slice(0, 1).map((input) => ({ source: 'artifact', reference: input.body.hash, position: -1 })) };
    const receipt = { kind: 'body', hashes: [artifact.body.hash], signer: keyring.signerOf('gateway'), atMs: this.#nowMs };
    const receipts = request.delivery === 'reference' ? [{ ...receipt, signature: keyring.sign(receipt.signer, receiptText(receipt, agent, { job, instance, step, attempt })) }] : [];
    this.#send(job, signedClaim('ArtifactsProposed', { ...about, artifacts: [artifact], receipts }, { principal: agent }));
  }

  #send(job: string, value: Buffer): void {
    this.#waiting.push({ key: Buffer.from(job), value });
  }
}

/** Signed by one principal, under its own name or another's. */
function signedClaim(type: Claim['type'], fields: Readonly<Record<string, unknown>>, { principal, named = principal }: { readonly principal: string; readonly named?: string }): Buffer {
  const claim = { ...emptyEnvelope, type, ...fields, signer: keyring.signerOf(named) } as unknown as Claim;
  return codec.encodeSigned(claim, (fingerprint, body) => keyring.sign(keyring.signerOf(principal), fingerprint, body));
}
