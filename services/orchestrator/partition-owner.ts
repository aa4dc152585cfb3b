// Owns one partition (R1–R6): takes it by a marker, restores its state from the log up to that marker, writes a
// checkpoint, and only then decides what follows the cursor, one append under way at a time. State that ran ahead
// of an append which was not accepted is thrown away, never repaired: recovery and start are one path.
//
// R4 as kept here: an acknowledgement at exactly the expected offset proves that nobody wrote in between. At any
// higher one this owner takes the partition again and lets the log say what counts; at a lower one it halts.

import type { EpochStarted, Fact } from '../../schemas/generated/events.js';
import type { TopicNames } from '../../topics/topics.js';
import type { PartitionState } from '../blackboard/board.js';
import { emptyEnvelope } from '../blackboard/empty-envelope.js';
import { BlackboardError } from '../runtime/errors.js';
import type { LogRecord, Member, RecordToAppend } from '../runtime/log/port.js';
import type { SeamName } from '../runtime/seam-names.js';
import { through } from '../runtime/seams.js';
import { checkpointOf, policyWith } from './checkpoint.js';
import { DecisionQueue } from './decision-queue.js';
import { evolve } from './evolve.js';
import { appendDeadLetters } from './dead-letters.js';
import type { OwnerEffects } from './owner-effects.js';
import { Restore } from './restore.js';
import { TickTimer } from './tick-timer.js';

type Phase = 'taking' | 'restoring' | 'owning' | 'left' | 'halted';

/** Decisions after which marker and checkpoint are renewed when nothing is under way (R3). */
const renewAfterRecords = 10_000;
const backoffMsMax = 15_000;
/** And while claims older than this are decided, as often: what is asked for then must not count from their time. */
const behindMsMax = 5_000;

export class PartitionOwner {
  #phase: Phase = 'taking';
  /** Rises with each take: what belongs to an earlier one is ignored when it comes back. */
  #take = 0;
  #restore: Restore | null = null;
  #state: PartitionState | null = null;
  #nextOffset = -1;
  #checkpointOffset = -1;
  #markerDigest: Buffer = Buffer.alloc(0);
  #decidedSinceMarker = 0;
  /** Whether being behind is a reason for a new epoch: once per batch of decisions, or a slow log would get nothing but epochs. */
  #mayCatchUp = true;
  /** Append time of what was acknowledged last. */
  #writtenAtMs = 0;
  #fruitlessTakes = 0;
  #sending = false;
  readonly #queue: DecisionQueue;
  readonly #ticks: TickTimer;

  constructor(
    readonly partition: number,
    private readonly topics: TopicNames,
    private readonly member: Member,
    private readonly effects: OwnerEffects,
  ) {
    this.#queue = new DecisionQueue(partition, topics.quarantine, member, effects);
    this.#ticks = new TickTimer(partition, topics.quarantine, effects);
  }

  /** Takes the partition; returns at once. */
  begin(): void {
    void this.#takeUntilOwned(false);
  }

  /** The partition is another member's now, or we are going: forget all of it. */
  leave(): void {
    this.#phase = 'left';
    this.#drop();
  }

  get state(): PartitionState | null {
    return this.#phase === 'owning' ? this.#state : null;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Positions that a lag monitor may look at, and where the next owner finds the newest checkpoint. */
  commits(): { readonly cursor: number; readonly checkpointOffset: number } | null {
    return this.#phase === 'owning' && this.#state !== null ? { cursor: this.#state.cursor, checkpointOffset: this.#checkpointOffset } : null;
  }

  onVerified(records: readonly LogRecord[]): void {
    this.#guard(() => this.#restore?.onBatch(records));
  }

  onQuarantine(records: readonly LogRecord[]): void {
    if (this.#phase !== 'owning' || this.#state === null) return;
    this.#ticks.observed(records[records.length - 1]?.appendTimeMs ?? 0);
    this.#guard(() => this.#queue.enqueue(records));
    this.#pump();
  }

  #drop(): void {
    this.#take += 1;
    this.#restore?.abandon();
    this.#restore = null;
    this.#state = null;
    this.#sending = false;
    this.#queue.clear();
    this.#ticks.stop();
  }

  async #takeUntilOwned(again: boolean): Promise<void> {
    this.#phase = 'taking';
    this.#drop();
    const take = this.#take;
    const { effects, member } = this;
    try {
      member.pause(this.topics.quarantine, this.partition);
      if (again) {
        // R6: a heartbeat newer than the failure shows that the group still counts on us; the jitter parts rivals.
        // Longer with each take that decided nothing: what fails at once would otherwise fill the log with markers.
        await effects.sleep(Math.min(backoffMsMax, 50 * 2 ** this.#fruitlessTakes) * (1 + effects.random()));
        this.#fruitlessTakes += 1;
        await through(effects.seams, 'orchestrator.take-again', () => member.heartbeat());
        if (take !== this.#take) return;
      }
      const epoch = await this.#appendMarker();
      if (take !== this.#take) return;
      this.#phase = 'restoring';
      const restore = new Restore(this.partition, this.topics.verified, member, effects);
      this.#restore = restore;
      const hint = (await through(effects.seams, 'orchestrator.read-committed', () => member.committed(this.topics.verified, [this.partition]))).get(this.partition);
      if (take !== this.#take) return;
      const restored = await through(effects.seams, 'orchestrator.read-back', () => restore.upTo(epoch, hint));
      if (take !== this.#take) return;
      const { state, base, from } = restored;
      effects.onRestored?.(restored);
      this.#restore = null;
      member.pause(this.topics.verified, this.partition);
      this.#state = state;
      this.#nextOffset = epoch + 1;
      await this.#appendCheckpoint(state, take);
      if (take !== this.#take || this.#state !== state) return;
      this.#phase = 'owning';
      this.#mayCatchUp = true;
      effects.logger.info({ partition: this.partition, epoch, cursor: state.cursor, openJobs: state.jobs.size, restoredFrom: base, recordsRead: epoch + 1 - from }, 'owns partition');
      this.#queue.begin(state.cursor + 1);
      this.#ticks.start(() => this.#state);
      this.#pump();
    } catch (error) {
      if (take === this.#take) this.#stepDown(error);
    }
  }

  async #appendMarker(): Promise<number> {
    const marker = this.effects.codec.encode(markerOf(this.effects.instance));
    this.#markerDigest = this.effects.codec.digest(marker);
    const { baseOffset, appendTimeMs } = await through(this.effects.seams, 'orchestrator.append-marker', () => this.effects.log.append({ topic: this.topics.verified, partition: this.partition, records: [record('', marker)] }));
    this.#writtenAtMs = appendTimeMs;
    return baseOffset;
  }

  async #appendCheckpoint(state: PartitionState, take: number): Promise<void> {
    const checkpoint = checkpointOf(state, policyWith(this.effects.policy, state), { offset: this.#nextOffset, markerDigest: this.#markerDigest, writtenAtMs: this.#writtenAtMs });
    const accepted = await this.#appendFacts([checkpoint], take, 'orchestrator.append-checkpoint');
    if (accepted === null) return;
    evolve(state, checkpoint, accepted);
    this.#checkpointOffset = accepted;
    this.#decidedSinceMarker = 0;
  }

  /** Appends at the expected offset, or takes the partition again and answers null. */
  async #appendFacts(facts: readonly Fact[], take: number, seam: SeamName): Promise<number | null> {
    return this.#append(facts.map((fact) => record(fact.job, this.effects.codec.encode(fact))), take, seam);
  }

  async #append(records: readonly RecordToAppend[], take: number, seam: SeamName): Promise<number | null> {
    const expected = this.#nextOffset;
    const { baseOffset, appendTimeMs } = await through(this.effects.seams, seam, () => this.effects.log.append({ topic: this.topics.verified, partition: this.partition, records }));
    if (take !== this.#take) return null;
    if (baseOffset === expected) {
      this.#writtenAtMs = appendTimeMs;
      this.#nextOffset = expected + records.length;
      return expected;
    }
    if (baseOffset < expected) throw new BlackboardError('LOG_TRUNCATED', `${this.topics.verified} partition ${this.partition} acknowledged offset ${baseOffset} where ${expected} was next: acknowledged facts are gone; stop and compare the replicas before anything else`, { expected, baseOffset });
    throw new BlackboardError('WRITER_FENCED', `somebody wrote to ${this.topics.verified} partition ${this.partition} between ${expected} and ${baseOffset}; taking it again`, { expected, baseOffset });
  }

  #pump(): void {
    if (this.#phase !== 'owning' || this.#sending || this.#state === null) return;
    const take = this.#take;
    this.#guard(() => {
      const state = this.#state as PartitionState;
      if (this.#isToRenew(state) && !this.#queue.carries) return void this.#renew(state, take);
      if (!this.#queue.ready(() => this.#pump())) return;
      const batch = this.#queue.decide(state, this.#nextOffset);
      if (batch.records.length === 0) return;
      this.#sending = true;
      void this.#send(batch, take);
    });
  }

  /** After so many decisions; and where it decides what came long ago, so that deadlines count from now. */
  #isToRenew({ timeMs, writtenAtMs }: PartitionState): boolean {
    if (this.#decidedSinceMarker >= (this.effects.renewAfterRecords ?? renewAfterRecords)) return true;
    return this.#mayCatchUp && this.#queue.isWaiting && this.#writtenAtMs - Math.max(timeMs, writtenAtMs) > behindMsMax;
  }

  async #send(batch: ReturnType<DecisionQueue['decide']>, take: number): Promise<void> {
    try {
      // Dead letters first, then the facts that say so (R2).
      if (batch.deadLetters.length > 0) await appendDeadLetters(batch.deadLetters, this.topics.deadLetter, this.effects);
      if (take !== this.#take) return;
      if ((await this.#append(batch.records, take, 'orchestrator.append-decision')) === null) return;
      this.#sending = false;
      this.#decidedSinceMarker += batch.decided;
      this.#mayCatchUp = true;
      this.#fruitlessTakes = 0;
      this.effects.onDecided?.(this.partition, batch.decided);
      this.#ticks.rearm();
      this.#pump();
    } catch (error) {
      if (take === this.#take) this.#stepDown(error);
    }
  }

  /** Marker and checkpoint in one append: the marker's offset, the new epoch, is the next one if nobody wrote. */
  async #renew(state: PartitionState, take: number): Promise<void> {
    this.#sending = true;
    this.#mayCatchUp = false;
    try {
      const epoch = this.#nextOffset;
      const marker = markerOf(this.effects.instance);
      evolve(state, marker, epoch);
      const markerDigest = this.effects.codec.digest(this.effects.codec.encode(marker));
      const checkpoint = checkpointOf(state, policyWith(this.effects.policy, state), { offset: epoch + 1, markerDigest, writtenAtMs: this.#writtenAtMs });
      const accepted = await this.#appendFacts([marker, checkpoint], take, 'orchestrator.renew');
      if (accepted === null) return;
      evolve(state, checkpoint, epoch + 1);
      this.#checkpointOffset = epoch + 1;
      this.#decidedSinceMarker = 0;
      this.#sending = false;
      this.#pump();
    } catch (error) {
      if (take === this.#take) this.#stepDown(error);
    }
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#stepDown(error);
    }
  }

  /** R5: whatever was not accepted ends the epoch. What the log says must not be halts this partition alone (R11). */
  #stepDown(error: unknown): void {
    const code = error instanceof BlackboardError ? error.code : null;
    const again = code === 'APPEND_UNKNOWN' || code === 'APPEND_REFUSED' || code === 'WRITER_FENCED' || code === 'KAFKA_UNAVAILABLE' || code === 'REGISTRY_UNAVAILABLE';
    this.effects.logger.warn({ partition: this.partition, error, again }, again ? 'steps down and takes the partition again' : 'partition halted');
    if (again) {
      void this.#takeUntilOwned(true);
      return;
    }
    this.#phase = 'halted';
    this.#drop();
    this.effects.onHalt(this.partition, error instanceof Error ? error : new Error(String(error)));
  }
}

function record(job: string, value: Buffer): RecordToAppend {
  return { key: Buffer.from(job), value };
}

/** The marker: no job, no cause, no time of its own. */
function markerOf(owner: string): EpochStarted {
  return { ...emptyEnvelope, type: 'EpochStarted', authentic: true, causeDigest: Buffer.alloc(0), owner };
}
