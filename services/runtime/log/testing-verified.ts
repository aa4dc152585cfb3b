// For tests: a blackboard in memory whose verified facts are written by hand, with markers and epochs as owners write them.

import { join } from 'node:path';
import type { EventType, Fact } from '../../../schemas/generated/events.js';
import { topicNames } from '../../../topics/topics.js';
import { embeddedCodec } from '../codec/embedded-codec.js';
import { projectRoot } from '../project-root.js';
import { MemoryLogStore, type AppendFault } from './memory/memory-log.js';
import type { AppendBatch } from './port.js';

const empty = Buffer.alloc(0);
const envelope = {
  step: '', agent: '', epoch: -1, cause: -1, tenant: 'acme', job: '', instance: 0, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: '',
  workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: '', atMs: 0, trace: '', authentic: true, causeDigest: empty,
};
const costs = { latencyMs: 0, costMicros: 0, fallbackTaken: '', edgeLabel: '' };
const rest: Partial<Record<EventType, object>> = {
  EpochStarted: { owner: 'test' },
  TickObserved: { timeMs: 0 },
  StepRequested: {
    contractOut: 'note@1', delivery: 'inline', inlineBytesMax: 16_384, params: '{}', inputs: [], variation: { kind: 'none', value: '', reasons: [] },
    deadlineAtMs: 60_000, capability: { principal: '', hashes: [], expiresAtMs: 60_000 }, inputHash: '', edgeLabel: '',
  },
  VerificationRequested: { params: '{}', inputs: [], candidates: [], deadlineAtMs: 60_000, capability: { principal: '', hashes: [], expiresAtMs: 60_000 }, inputHash: '', ...costs },
  AttemptFailed: { reason: 'agent-failed', reasons: [], retryAtMs: -1, ...costs },
  StepCompleted: { accepted: 1, rejected: 0, rubricScore: 1, ...costs },
  StepFailed: { reason: 'attempts-used-up', attempts: 1, escalated: false, latencyMs: 0, edgeLabel: '' },
  JobEnded: { outcome: 'completed', reason: '', resultType: '', resultContract: '', forgetAtMs: 0, result: { hash: '', size: 0, encoding: 'inline', bytes: empty }, latencyMs: 0, costMicros: 0, edgeLabel: '' },
};

export type FactFields = { readonly job?: string } & Readonly<Record<string, unknown>>;

export class VerifiedFixture {
  readonly topics = topicNames('test.');
  readonly codec = embeddedCodec(join(projectRoot, 'schemas'));
  readonly store: MemoryLogStore;
  readonly #epochs: number[];

  constructor(options: { readonly partitions?: number; readonly onAppend?: (batch: AppendBatch) => AppendFault; readonly clock?: () => number } = {}) {
    // The log's time is that of the facts, which begin at 0.
    const { partitions = 1, onAppend, clock = () => 0 } = options;
    this.store = new MemoryLogStore({
      topics: [this.topics.quarantine, this.topics.verified].map((name) => ({ name, partitions })),
      clock, ...(onAppend === undefined ? {} : { faults: { onAppend } }),
    });
    this.#epochs = Array.from({ length: partitions }, () => -1);
  }

  /** Bytes of a fact; what is not named has a harmless default. */
  encode(type: EventType, fields: FactFields): Buffer {
    return this.codec.encode({ type, ...envelope, ...rest[type], ...fields } as unknown as Fact);
  }

  /** A new owner takes the partition: returns the epoch. */
  marker(partition = 0): number {
    const epoch = this.#write('EpochStarted', { epoch: -1 }, partition);
    this.#epochs[partition] = epoch;
    return epoch;
  }

  /** A fact of the owner in force, or of the epoch that `fields` names. Returns its offset. */
  fact(type: EventType, fields: FactFields = {}, partition = 0): number {
    return this.#write(type, { epoch: this.#epochs[partition] ?? -1, ...fields }, partition);
  }

  /** All claims in quarantine, decoded. */
  claims(partition = 0): readonly Record<string, unknown>[] {
    const { next } = this.store.range(this.topics.quarantine, partition);
    return this.store.slice({ topic: this.topics.quarantine, partition, from: 0, until: next, bytesMax: Infinity }).map((record) => {
      const decoded = this.codec.decode(record.value);
      if (!decoded.ok) throw new Error(decoded.reason);
      return decoded.event as unknown as Record<string, unknown>;
    });
  }

  #write(type: EventType, fields: FactFields, partition: number): number {
    return this.store.write({ topic: this.topics.verified, partition, records: [{ key: Buffer.from(fields.job ?? ''), value: this.encode(type, fields) }] }).baseOffset;
  }
}

/** Waits until it holds. @throws after `limitMs` without that */
export async function until(holds: () => boolean, what: string, limitMs = 20_000): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A job id for tests. */
export function testJob(index: number): string {
  return index.toString(16).padStart(32, '0');
}
