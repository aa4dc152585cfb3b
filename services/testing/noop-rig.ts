// The smallest whole runtime: an orchestrator and an agent that does nothing, on any log, with keys of its own.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSubmitted } from '../../schemas/generated/events.js';
import { topicNames, type TopicNames } from '../../topics/topics.js';
import { contracts } from '../../workflows/contracts.js';
import { loadPolicy } from '../../workflows/policy.js';
import { noopAgent, type NoopOptions } from '../agents/noop/agent.js';
import { runAgents, type RunningAgents } from '../agents/sdk/run-agents.js';
import { jobId } from '../blackboard/ids.js';
import { machineEffects } from '../orchestrator/machine-effects.js';
import { startOrchestrator, type Orchestrator, type OrchestratorOptions } from '../orchestrator/start-orchestrator.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import { Keyring, type SigningKey } from '../runtime/keyring.js';
import { makeKeys } from '../runtime/keys.js';
import { createLogger } from '../runtime/logger.js';
import { partitionFor } from '../runtime/log/partitioner.js';
import type { Appended, LogPort } from '../runtime/log/port.js';
import { projectRoot } from '../runtime/project-root.js';
import { noSeams } from '../runtime/seams.js';
import { snapshotPrincipal } from '../runtime/snapshot-store.js';
import { checkLog, type LogReport } from './check-log.js';

export class NoopRig {
  readonly codec: EventCodec = embeddedCodec(join(projectRoot, 'schemas'));
  readonly keys: readonly SigningKey[];
  readonly keyring: Keyring;
  readonly logger = createLogger({ service: 'test', level: 'silent' });
  readonly topics: TopicNames;

  constructor(readonly partitions: number, readonly prefix = 'bb.', keys?: readonly SigningKey[]) {
    this.topics = topicNames(prefix);
    this.keys = keys ?? makeKeys(['ingress', 'orchestrator', 'noop', 'gateway', snapshotPrincipal], 'test');
    this.keyring = new Keyring(this.keys);
  }

  orchestrator(log: LogPort, over: Partial<OrchestratorOptions> = {}): Promise<Orchestrator> {
    return startOrchestrator({
      ...machineEffects, log, codec: this.codec, keyring: this.keyring, topics: this.topics, logger: this.logger, seams: noSeams,
      contracts, policy: loadPolicy(), partitions: this.partitions, instance: 'test', commitEveryMs: 50, ...over,
    });
  }

  agent(log: LogPort, options: NoopOptions & { readonly sessionTimeoutMs?: number; readonly group?: string; readonly concurrency?: number } = {}): Promise<RunningAgents> {
    const { sessionTimeoutMs, group, concurrency } = options;
    return runAgents({
      agents: [noopAgent(options)], log, codec: this.codec, keyring: this.keyring, topics: this.topics, gateway: null, logger: this.logger,
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }), ...(group === undefined ? {} : { group }), ...(concurrency === undefined ? {} : { limits: { concurrency } }),
    });
  }

  /** Appends one submission; rejects as the log does. */
  submit(log: LogPort, key: string, over: Partial<JobSubmitted> = {}): Promise<Appended> {
    const signer = this.keyring.signerOf('ingress');
    const job = jobId('acme', key);
    const claim: JobSubmitted = {
      type: 'JobSubmitted', step: '', agent: '', epoch: -1, cause: -1, tenant: 'acme', job, instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: 'test',
      workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer, atMs: Date.now(), trace: '',
      idempotencyKey: key, workflow: 'noop', params: '{}', deadlineMs: 0, costCapMicros: 0, goal: '', signature: Buffer.alloc(0), ...over,
    };
    const value = this.codec.encodeSigned(claim, (fingerprint, body) => this.keyring.sign(signer, fingerprint, body));
    return log.append({ topic: this.topics.quarantine, partition: partitionFor(Buffer.from(job), this.partitions), records: [{ key: Buffer.from(job), value }] });
  }

  /** Waits until the log shows so many ended jobs and every claim decided, then reports on it. */
  async settled(log: LogPort, jobs: number, timeoutMs: number): Promise<LogReport> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const report = await checkLog(log, this.topics, this.codec);
      const ended = Object.values(report.ended).reduce((sum, count) => sum + count, 0);
      if ((ended >= jobs && report.problems.length === 0) || Date.now() > until) return report;
      await sleep(100);
    }
  }
}
