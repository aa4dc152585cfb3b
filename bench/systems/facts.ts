// Terminal facts as a reader of bb.verified sees them, for the clock that stops there.

import { groupName } from '../../topics/groups.js';
import type { TopicNames } from '../../topics/topics.js';
import type { EventCodec } from '../../services/runtime/codec/event-codec.js';
import type { LogPort } from '../../services/runtime/log/port.js';
import { VerifiedReader } from '../../services/runtime/log/verified-reader.js';

export class TerminalFacts {
  readonly #waiting = new Map<string, () => void>();
  readonly #reader: VerifiedReader;

  private constructor(parts: { readonly log: LogPort; readonly codec: EventCodec; readonly topics: TopicNames }) {
    const nothing = (): void => undefined;
    this.#reader = new VerifiedReader({
      log: parts.log, codec: parts.codec, topic: parts.topics.verified, group: groupName({ name: 'bench', role: 'replay' }, parts.topics.prefix), startAtMs: Date.now(),
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
  }

  static async read(parts: { readonly log: LogPort; readonly codec: EventCodec; readonly topics: TopicNames }): Promise<TerminalFacts> {
    const facts = new TerminalFacts(parts);
    await facts.#reader.join();
    return facts;
  }

  /** Resolves when the job's terminal fact was read. */
  of(job: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(job, resolve));
  }

  async close(): Promise<void> {
    await this.#reader.leave();
  }
}
