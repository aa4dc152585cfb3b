// Claims that chaos sends to quarantine itself, with real keys, and the book of what must become of each.

import type { Claim, Envelope, StepRequested, VerificationRequested } from '../../../schemas/generated/events.js';
import { contentHash } from '../../blackboard/ids.js';
import { Keyring } from '../../runtime/keyring.js';
import { partitionFor } from '../../runtime/log/partitioner.js';
import type { Cluster } from '../cluster.js';

export interface SentClaim {
  readonly fault: string;
  readonly about: string;
  /** `partition/offset` on quarantine. */
  readonly place: string;
  /** For a copy: where the original is; a copy of what was refused may be anything. */
  readonly copyOf: string;
}

const empty: Envelope = {
  step: '', agent: '', epoch: -1, cause: -1, tenant: '', job: '', instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: '',
  workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer: '', atMs: 0, trace: '',
};
const usage = { modelCalls: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 };

export type Fields = Readonly<Record<string, unknown>>;

export class ClaimSender {
  /** Those whose place in the log is known; none of them may become anything but a refusal. */
  readonly sent: SentClaim[] = [];
  /** Refused by the log or of unknown outcome. */
  unplaced = 0;
  readonly #keyring: Keyring;

  readonly partitions: number;

  constructor(private readonly cluster: Pick<Cluster, 'log' | 'topics' | 'codec' | 'keys' | 'partitions'>) {
    this.partitions = cluster.partitions;
    this.#keyring = new Keyring(cluster.keys);
  }

  /** A claim signed by a principal, under its own name or another's. */
  signed(type: Claim['type'], fields: Fields, by: { readonly principal: string; readonly named?: string }): Buffer {
    const claim = { ...empty, atMs: Date.now(), type, ...fields, signer: this.#keyring.signerOf(by.named ?? by.principal) } as unknown as Claim;
    return this.cluster.codec.encodeSigned(claim, (fingerprint, body) => this.#keyring.sign(this.#keyring.signerOf(by.principal), fingerprint, body));
  }

  partitionOf(job: string): number {
    return partitionFor(Buffer.from(job), this.cluster.partitions);
  }

  /** Sends one record that must be refused, parked or dead-lettered. Does not throw: the log may be away. */
  async send(what: Pick<SentClaim, 'fault' | 'about'> & { readonly copyOf?: string; readonly key: Buffer; readonly value: Buffer; readonly partition?: number }): Promise<void> {
    const partition = what.partition ?? partitionFor(what.key, this.cluster.partitions);
    try {
      const { baseOffset } = await this.cluster.log.append({ topic: this.cluster.topics.quarantine, partition, records: [{ key: what.key, value: what.value }] });
      this.sent.push({ fault: what.fault, about: what.about, place: `${partition}/${baseOffset}`, copyOf: what.copyOf ?? '' });
    } catch {
      this.unplaced += 1;
    }
  }
}

/** What an answer to a request carries. */
export function answerFields(fact: StepRequested | VerificationRequested, offset: number): Fields {
  return {
    step: fact.step, agent: fact.agent, tenant: fact.tenant, job: fact.job, instance: fact.instance, attempt: fact.attempt, agentVersion: '6.6.6', correlation: fact.correlation,
    causation: `v/0/${offset}`, workflowVersion: fact.workflowVersion, requestOffset: offset, usage, fallbackTaken: '',
  };
}

export function verdictsOn(hashes: readonly string[]): Fields {
  return { verdicts: hashes.map((hash) => ({ hash, accepted: true, reason: '', checksPassed: 1, checksTotal: 1, reasons: [] })) };
}

export function artifact(bytes: Buffer): Fields {
  return {
    artifacts: [{ type: 'note', contract: 'note@1', body: { hash: contentHash(bytes), size: bytes.length, encoding: 'inline', bytes }, evidence: [], confidence: 1, freshAtMs: Date.now(), refs: [] }],
    receipts: [],
  };
}
