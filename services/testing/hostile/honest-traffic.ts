// Jobs at a steady rate, whatever else goes on, and the traps that ask the adversary. Submitted as ingress does, with
// its key; when each was appended is the broker's word.

import { setTimeout as sleep } from 'node:timers/promises';
import type { LogPort } from '../../runtime/log/port.js';
import { jobId } from '../../blackboard/ids.js';
import type { ClaimSender, Fields } from '../chaos/claims.js';
import type { Cluster } from '../cluster.js';
import type { Book } from './book.js';

export interface TrafficParts {
  readonly cluster: Pick<Cluster, 'topics'>;
  readonly log: LogPort;
  readonly sender: ClaimSender;
  readonly book: Book;
}

export function submissionFields(tenant: string, key: string, workflow: string): Fields {
  return { tenant, job: jobId(tenant, key), instance: -1, onBehalfOf: 'bench', idempotencyKey: key, workflow, params: '{}', deadlineMs: 0, costCapMicros: 0, goal: '' };
}

export class HonestTraffic {
  /** The phase to which what is submitted now belongs. */
  phase = 0;
  #isOver = false;
  #due = 0;
  #submitted = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: TrafficParts) {}

  /** How many submissions were held back since too many jobs were open: then the figures are of an overload. */
  heldBack = 0;

  /** @param isFull - holds submissions back: a machine that cannot keep up would otherwise never come to rest. */
  start(perSecond: number, isFull: () => boolean): void {
    this.#running = this.#run(perSecond, isFull);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  /** Submits one job and resolves when the log has it. */
  async submit(tenant: string, key: string, workflow: string, as = 'ingress'): Promise<{ readonly job: string; readonly atMs: number }> {
    const { cluster, log, sender } = this.parts;
    const job = jobId(tenant, key);
    const value = sender.signed('JobSubmitted', submissionFields(tenant, key, workflow), { principal: as });
    const { appendTimeMs } = await log.append({ topic: cluster.topics.quarantine, partition: sender.partitionOf(job), records: [{ key: Buffer.from(job), value }] });
    return { job, atMs: appendTimeMs };
  }

  async cancel(job: string, tenant: string): Promise<void> {
    const { cluster, log, sender } = this.parts;
    const value = sender.signed('CancelRequested', { tenant, job, instance: -1, reason: 'the bench is over' }, { principal: 'ingress' });
    await log.append({ topic: cluster.topics.quarantine, partition: sender.partitionOf(job), records: [{ key: Buffer.from(job), value }] });
  }

  async #run(perSecond: number, isFull: () => boolean): Promise<void> {
    const startedMs = performance.now();
    const underWay = new Set<Promise<void>>();
    while (!this.#isOver) {
      while (this.#due < ((performance.now() - startedMs) * perSecond) / 1000) {
        this.#due += 1;
        if (isFull()) {
          this.heldBack += 1;
          continue;
        }
        const sending: Promise<void> = this.#one(`honest-${this.#submitted}`, this.phase).finally(() => underWay.delete(sending));
        underWay.add(sending);
        this.#submitted += 1;
      }
      await sleep(5);
    }
    await Promise.all(underWay);
  }

  async #one(key: string, phase: number): Promise<void> {
    const { job, atMs } = await this.submit('acme', key, 'chaos-checked');
    this.parts.book.honest.set(job, { job, phase, submittedAtMs: atMs });
  }
}
