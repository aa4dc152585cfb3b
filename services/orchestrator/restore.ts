// Reads verified up to a marker and folds it. Where to begin comes from the newest checkpoint that the group's
// committed position names: a hint that may be old, never wrong, since any checkpoint that counted says from where
// all that matters can be read. Without one it reads from the beginning. A snapshot that covers more of it than that
// is gone on from instead (R10), and the state is the same.

import type { Fact } from '../../schemas/generated/events.js';
import type { TopicName } from '../../topics/topics.js';
import type { PartitionState } from '../blackboard/board.js';
import { BlackboardError } from '../runtime/errors.js';
import { EpochFilter, noEpoch } from '../runtime/log/epoch-filter.js';
import { peekLearning } from '../runtime/log/peek-learning.js';
import type { CommittedPosition, LogRecord, Member } from '../runtime/log/port.js';
import { emptyPartition, evolve, seedPolicy } from './evolve.js';
import type { OwnerEffects } from './owner-effects.js';

/** What a state was read from: the fold of `base`, and every record from offset `from` to the marker. */
export interface Restored {
  readonly state: PartitionState;
  readonly base: 'snapshot' | 'checkpoint' | 'beginning';
  readonly from: number;
}

interface Base extends Restored {
  /** In force at `from`. */
  readonly epoch: number;
}

export type RestoreEffects = Pick<OwnerEffects, 'codec' | 'snapshots' | 'learn'>;

export class Restore {
  #isAbandoned = false;
  #onBatch: (records: readonly LogRecord[]) => void = () => undefined;
  #abandon: () => void = () => undefined;

  constructor(
    private readonly partition: number,
    private readonly verified: TopicName,
    private readonly member: Member,
    private readonly effects: RestoreEffects,
  ) {}

  onBatch(records: readonly LogRecord[]): void {
    this.#onBatch(records);
  }

  abandon(): void {
    this.#isAbandoned = true;
    this.#abandon();
  }

  /** The state of the partition as of the marker at `epoch`, which is ours. Never settles once abandoned. */
  async upTo(epoch: number, hint: CommittedPosition | undefined): Promise<Restored> {
    const logged = hint === undefined || hint.metadata === '' ? this.#beginning() : await this.#checkpointAt(Number(hint.metadata));
    const { codec, snapshots } = this.effects;
    const found = await snapshots?.find(this.partition, { after: logged.from, upTo: epoch }) ?? null;
    const { state, base, from, epoch: before } = found === null ? logged : { state: found.state, base: 'snapshot' as const, from: found.position.offset, epoch: found.position.epoch };
    const filter = new EpochFilter(before);
    for (let next = from; next <= epoch;) {
      let unknown: LogRecord | null = null;
      await this.#read(next, (record) => {
        const peeked = codec.peek(record.value);
        if (peeked === null) {
          unknown = record;
          return true;
        }
        if (filter.counts(record.offset, peeked.type, peeked.epoch)) evolve(state, codec.decodeFact(record.value) as Fact, record.offset);
        next = record.offset + 1;
        return record.offset === epoch;
      });
      // It is read again, from there on.
      if (unknown !== null) await this.#learn(unknown);
    }
    return { state, base, from };
  }

  #beginning(): Base {
    return { state: emptyPartition(this.partition), base: 'beginning', from: 0, epoch: noEpoch };
  }

  async #checkpointAt(at: number): Promise<Base> {
    const record = await this.#one(at);
    await this.#learn(record);
    const checkpoint = this.effects.codec.decodeFact(record.value);
    if (checkpoint.type !== 'Checkpointed') throw new BlackboardError('LOG_POSITION_CHANGED', `${this.verified} partition ${this.partition} has ${checkpoint.type} at ${at}, where the group's position names a checkpoint: the log is another one than was read before`, { at });
    const state = emptyPartition(this.partition);
    seedPolicy(state, checkpoint);
    return { state, base: 'checkpoint', from: checkpoint.restoreFrom, epoch: checkpoint.restoreEpoch };
  }

  async #one(offset: number): Promise<LogRecord> {
    let found: LogRecord | undefined;
    await this.#read(offset, (record) => {
      found = record;
      return true;
    });
    return found as LogRecord;
  }

  async #learn(record: LogRecord): Promise<void> {
    await peekLearning(record, this.effects.codec, this.effects.learn);
  }

  /** Reads from an offset until `last` says so. */
  #read(from: number, last: (record: LogRecord) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isAbandoned) return;
      let next = from;
      this.#abandon = () => { this.#onBatch = () => undefined; };
      this.#onBatch = (records) => {
        try {
          for (const record of records) {
            if (record.offset !== next) throw new BlackboardError('LOG_GAP', `${this.verified} partition ${this.partition}: offset ${record.offset} came where ${next} was due`, { expected: next, offset: record.offset });
            next += 1;
            if (!last(record)) continue;
            this.#onBatch = () => undefined;
            this.member.pause(this.verified, this.partition);
            resolve();
            return;
          }
        } catch (error) {
          this.#onBatch = () => undefined;
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.member.start(this.verified, this.partition, from);
    });
  }
}
