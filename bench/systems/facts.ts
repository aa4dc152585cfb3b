// Terminal facts as a reader of bb.verified sees them, for the clock that stops there.

import { groupName } from '../../topics/groups.js';
import type { TopicNames } from '../../topics/topics.js';
import type { EventCodec } from '../../services/runtime/codec/event-codec.js';
import type { LogPort } from '../../services/runtime/log/port.js';
import { VerifiedReader } from '../../services/runtime/log/verified-reader.js';

export interface FactsOf {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly topics: TopicNames;
}

export class TerminalFacts {
  readonly #waiting = new Map<string, () => void>();
  #reading: Promise<VerifiedReader> | null = null;

  constructor(private readonly parts: FactsOf) {}

  /** Reads along from now on, unless it does already. */
  async follow(): Promise<void> {
    this.#reading ??= this.#join();
    await this.#reading;
  }

  /** Reads no more: where nobody asks for facts, they must cost nothing. */
  async rest(): Promise<void> {
    const reading = this.#reading;
    this.#reading = null;
    await (await reading)?.leave();
  }

  /** Resolves when the job's terminal fact was read. */
  of(job: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(job, resolve));
  }

  async #join(): Promise<VerifiedReader> {
    const { log, codec, topics } = this.parts;
    const nothing = (): void => undefined;
    const reader = new VerifiedReader({
      log, codec, topic: topics.verified, group: groupName({ name: 'bench', role: 'replay' }, topics.prefix), startAtMs: Date.now(),
      handler: {
        onGained: nothing, onLost: nothing, onHalt: (error) => { throw error; },
        onBatch: (batch) => {
          for (const fact of batch.facts) {
            if (fact.type !== 'JobEnded') continue;
            const { job } = fact.decode();
            this.#waiting.get(job)?.();
            this.#waiting.delete(job);
          }
        },
      },
    });
    await reader.join();
    return reader;
  }
}
