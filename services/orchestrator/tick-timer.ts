// Lets the time of an idle partition move (R8): when a timer of its state looks due, a signed Tick goes to
// quarantine, and the log's clock decides what is due. The local clock is a hint only: it runs from the last
// append time seen, so that a stepped clock can neither expire nor delay anything.

import type { TopicName } from '../../topics/topics.js';
import type { PartitionState } from '../blackboard/board.js';
import type { Tick } from '../../schemas/generated/events.js';
import { emptyEnvelope } from '../blackboard/empty-envelope.js';
import { through } from '../runtime/seams.js';
import type { OwnerEffects } from './owner-effects.js';

/** Never more often than this, and looked at again at the latest after the other. */
const waitMs = { least: 20, most: 60_000, afterTick: 1_000 } as const;

export class TickTimer {
  #cancel: () => void = () => undefined;
  #state: () => PartitionState | null = () => null;
  #seen = { logTimeMs: 0, atMonotonicMs: 0 };
  #running = false;
  #tickOutAtMs = -Infinity;

  constructor(
    private readonly partition: number,
    private readonly quarantine: TopicName,
    private readonly effects: OwnerEffects,
  ) {}

  start(state: () => PartitionState | null): void {
    this.#running = true;
    this.#state = state;
    this.#seen = { logTimeMs: state()?.timeMs ?? 0, atMonotonicMs: this.effects.monotonicMs() };
    this.#tickOutAtMs = -Infinity;
    this.rearm();
  }

  stop(): void {
    this.#running = false;
    this.#cancel();
  }

  /** A record of quarantine was delivered: what its append time says of the log's clock. */
  observed(appendTimeMs: number): void {
    if (appendTimeMs > this.#seen.logTimeMs) this.#seen = { logTimeMs: appendTimeMs, atMonotonicMs: this.effects.monotonicMs() };
  }

  rearm(): void {
    if (!this.#running) return;
    this.#cancel();
    const due = this.#state()?.timers.peek();
    if (due === undefined) return;
    const logNowMs = this.#seen.logTimeMs + this.effects.monotonicMs() - this.#seen.atMonotonicMs;
    const sinceTickMs = this.effects.monotonicMs() - this.#tickOutAtMs;
    const wait = Math.max(due.atMs - logNowMs + 1, sinceTickMs < waitMs.afterTick ? waitMs.afterTick - sinceTickMs : 0, waitMs.least);
    this.#cancel = this.effects.setTimer(Math.min(wait, waitMs.most), () => {
      if (wait > waitMs.most) this.rearm();
      else void this.#tick(due.atMs);
    });
  }

  async #tick(dueAtMs: number): Promise<void> {
    const { codec, keyring, log, logger, seams } = this.effects;
    this.#tickOutAtMs = this.effects.monotonicMs();
    try {
      const signer = keyring.signerOf('orchestrator');
      const tick: Tick = {
        ...emptyEnvelope, type: 'Tick', signer, atMs: this.#seen.logTimeMs, dueAtMs, signature: Buffer.alloc(0),
      };
      const value = codec.encodeSigned(tick, (fingerprint, body) => keyring.sign(signer, fingerprint, body));
      await through(seams, 'orchestrator.append-tick', () => log.append({ topic: this.quarantine, partition: this.partition, records: [{ key: Buffer.alloc(0), value }] }));
    } catch (error) {
      // A tick that is lost is sent again: time moves a little later.
      logger.warn({ partition: this.partition, error }, 'a tick was not appended; trying again');
    }
    this.rearm();
  }
}
