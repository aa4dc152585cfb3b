// The client's side of a sweep: a round submits the canonical job and one that it cancels, puts a zombie's late write
// and undecodable bytes in their way, and waits for both outcomes, through whatever dies meanwhile. What was
// acknowledged is remembered, to be looked for in the log.

import { setTimeout as sleep } from 'node:timers/promises';
import { topicNames, type TopicName } from '../../../topics/topics.js';
import type { Checkpointed } from '../../../schemas/generated/events.js';
import { emptyEnvelope } from '../../blackboard/empty-envelope.js';
import { jobId } from '../../blackboard/ids.js';
import type { EventCodec } from '../../runtime/codec/event-codec.js';
import type { LogRecord, RecordToAppend } from '../../runtime/log/port.js';
import { partitionFor } from '../../runtime/log/partitioner.js';
import { partitions } from './settings.js';

/** The runtime under the sweep: its parts come and go. */
export interface Host {
  readonly topics: Pick<ReturnType<typeof topicNames>, 'quarantine' | 'verified'>;
  readonly codec: EventCodec;
  /** Where ingress listens now; waits while nothing does. */
  url(): Promise<string>;
  /** All records of a partition of verified, now. */
  facts(partition: number): AsyncIterable<readonly LogRecord[]>;
  /** Rejects when the outcome is not known. */
  append(topic: TopicName, partition: number, record: RecordToAppend): Promise<unknown>;
  /** Longest that one answer of ingress may take, in seconds. */
  readonly waitS: number;
}

/** A write that was answered with 202. */
export interface Acknowledged {
  readonly type: 'JobSubmitted' | 'CancelRequested';
  readonly job: string;
  readonly partition: number;
  readonly offset: number;
}

/** A job that was submitted, and the outcomes that clients were told. */
export interface Tracked {
  readonly job: string;
  readonly expects: 'completed' | 'cancelled';
  outcome: string | null;
  instance: number | null;
}

const foreignAtOnce = 3;

export class Client {
  readonly acknowledged: Acknowledged[] = [];
  readonly jobs: Tracked[] = [];
  readonly problems: string[] = [];
  readonly #pastEpochs = new Set<number>();
  #rounds = 0;
  #foreign = 0;

  constructor(private readonly host: Host, private readonly name: string, private readonly patienceMs: number) {}

  /** Resolves when both jobs have ended. @throws when one does not within the patience. */
  async round(): Promise<void> {
    const number = (this.#rounds += 1);
    await Promise.all([this.#canonical(`${this.name}-${number}`), this.#cancelled(`${this.name}-held-${number}`)]);
  }

  /** Records of a foreign topic become jobs; resolves when those have ended. */
  async foreign(send: (id: string) => Promise<void>): Promise<void> {
    const ids = Array.from({ length: foreignAtOnce }, () => `${this.name}-foreign-${(this.#foreign += 1)}`);
    for (const id of ids) await send(id);
    await Promise.all(ids.map((id) => this.#outcome(jobId('acme', id), undefined, 'completed')));
  }

  async #canonical(key: string): Promise<void> {
    const { job, offset } = await this.#submit(key, 'sweep');
    const partition = partitionFor(Buffer.from(job), partitions);
    // Each may be lost with what dies; others follow in the next round.
    await this.#append(this.host.topics.quarantine, partition, { key: Buffer.from(job), value: Buffer.from('not a record of ours') });
    if (await this.#hasPastEpoch(partition)) await this.#append(this.host.topics.verified, partition, { key: Buffer.alloc(0), value: this.host.codec.encode(zombieWrite) });
    await this.#outcome(job, offset, 'completed');
  }

  async #cancelled(key: string): Promise<void> {
    const { job, offset } = await this.#submit(key, 'sweep-held');
    await this.#until(`/v1/jobs/${job}/cancel?submission=${offset}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }, async (answer) => {
      // Its acceptance is not committed yet, or an earlier try of this cancellation has ended it.
      if (answer.status === 404) return null;
      if (answer.status === 409) return true;
      if (answer.status !== 202) throw new Error(`a cancellation was answered ${answer.status}`);
      this.#remember('CancelRequested', await answer.json() as Omit<Acknowledged, 'type'>);
      return true;
    });
    await this.#outcome(job, offset, 'cancelled');
  }

  async #submit(key: string, workflow: string): Promise<Acknowledged> {
    return this.#until('/v1/jobs', { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': key }, body: JSON.stringify({ workflow, params: {} }) }, async (answer) => {
      if (answer.status !== 202) throw new Error(`a submission was answered ${answer.status}: ${await answer.text()}`);
      return this.#remember('JobSubmitted', await answer.json() as Omit<Acknowledged, 'type'>);
    });
  }

  async #outcome(job: string, submission: number | undefined, expects: Tracked['expects']): Promise<void> {
    const tracked: Tracked = { job, expects, outcome: null, instance: null };
    this.jobs.push(tracked);
    await this.#until(`/v1/jobs/${job}/result?wait=${this.host.waitS}${submission === undefined ? '' : `&submission=${submission}`}`, { headers: { accept: 'application/json' } }, async (answer) => {
      if (answer.status === 202 || answer.status === 404) return null;
      if (answer.status !== 200) throw new Error(`the result of ${job} was answered ${answer.status}`);
      const { outcome, instance, result } = await answer.json() as { outcome: string; instance: number; result: { value: { text?: string } | null } | null };
      Object.assign(tracked, { outcome, instance });
      if (outcome !== expects) this.problems.push(`job ${job} ended ${outcome}, not ${expects}`);
      if (expects === 'completed' && result?.value?.text?.startsWith(`${job} finish `) !== true) this.problems.push(`the result of ${job} is another than its own`);
      return true;
    });
  }

  #remember(type: Acknowledged['type'], { job, partition, offset }: Omit<Acknowledged, 'type'>): Acknowledged {
    const acknowledged = { type, job, partition, offset };
    this.acknowledged.push(acknowledged);
    return acknowledged;
  }

  async #append(topic: TopicName, partition: number, record: RecordToAppend): Promise<void> {
    await this.host.append(topic, partition, record).catch(() => undefined);
  }

  /** Whether the partition's first epoch is over. */
  async #hasPastEpoch(partition: number): Promise<boolean> {
    if (this.#pastEpochs.has(partition)) return true;
    for await (const batch of this.host.facts(partition)) {
      if (batch.some(({ offset, value }) => offset > 0 && this.host.codec.peek(value)?.type === 'EpochStarted')) this.#pastEpochs.add(partition);
    }
    return this.#pastEpochs.has(partition);
  }

  /** Asks until `read` has an answer, at whatever door there is; a door that dies or is not ready is asked again. */
  async #until<T>(path: string, init: RequestInit, read: (answer: Response) => Promise<T | null>): Promise<T> {
    const untilMs = Date.now() + this.patienceMs;
    let last = 'nothing answered';
    while (Date.now() < untilMs) {
      const answer = await this.#ask(path, init);
      if (typeof answer === 'string') last = answer;
      else if (answer.status >= 500) {
        last = `${answer.status} ${await answer.text().catch(() => '')}`;
      } else {
        const value = await read(answer).catch((error: unknown) => {
          // The answer broke off with the process that gave it.
          if (!(error instanceof TypeError)) throw error;
          last = error.message;
          return null;
        });
        if (value !== null) return value;
        last = `${answer.status}`;
      }
      await sleep(20);
    }
    throw new Error(`${init.method ?? 'GET'} ${path} was not served within ${this.patienceMs / 1000} s: ${last}`);
  }

  async #ask(path: string, init: RequestInit): Promise<Response | string> {
    try {
      return await fetch(`${await this.host.url()}${path}`, { ...init, signal: AbortSignal.timeout((this.host.waitS + 10) * 1000) });
    } catch (error) {
      return String((error as Error).cause ?? error);
    }
  }
}

/** A fact of the first epoch, whose marker is the partition's first record: inert for every reader once that is over, but in the way of the owner's next append. */
const zombieWrite: Checkpointed = {
  ...emptyEnvelope, type: 'Checkpointed', epoch: 0, authentic: true, causeDigest: Buffer.alloc(0),
  cursor: -1, controlOffset: -1, restoreFrom: 0, restoreEpoch: 0, timeMs: 0, policy: '{}', writtenAtMs: 0,
};
