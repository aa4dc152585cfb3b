// Quarantine records that wait for a decision, and the batch that is decided while an append is not under way.
// What piles up during one append is the next batch: no timers.

import type { Claim } from '../../schemas/generated/events.js';
import { messageClassOf } from '../../schemas/generated/events.js';
import { limits, type TopicName } from '../../topics/topics.js';
import type { PartitionState } from '../blackboard/board.js';
import type { Decoded } from '../runtime/codec/event-codec.js';
import type { LogRecord, Member, RecordToAppend } from '../runtime/log/port.js';
import type { DeadLetterRecord } from './dead-letters.js';
import { BlackboardError } from '../runtime/errors.js';
import { withSpan } from '../runtime/telemetry.js';
import { decideRecord, type QuarantineRecord } from './decide-record.js';
import { inspect } from './inspect.js';
import type { OwnerEffects } from './owner-effects.js';

export interface DecidedBatch {
  readonly records: readonly RecordToAppend[];
  readonly deadLetters: readonly DeadLetterRecord[];
  readonly decided: number;
}

const highWaterBytes = 8 * 1024 * 1024;
/** What a record that waits holds besides its bytes, about. */
const recordOverheadBytes = 256;
/** Times that a registry which does not answer is asked for a schema before its records are given up. */
const learnTriesMax = 5;
/** Records among which unknown schemas are looked for. */
const learnAheadRecords = 256;
/** A batch is closed at this size: one more decision may then still be as large as a batch may be. */
const batchTargetBytes = limits.batchBytesMax / 4;

/**
 * Whether an answer names an offset of the batch that begins at `offset`, and a step that was asked in this very batch:
 * whether the two are the same is known when the batch has landed. Any other answer is judged the same wherever that is.
 */
function namesRequestOf(decoded: Decoded, state: PartitionState, offset: number): boolean {
  if (!decoded.ok || !('requestOffset' in decoded.event) || decoded.event.requestOffset < offset) return false;
  const { job, step } = decoded.event;
  const steps = state.jobs.get(job)?.steps ?? {};
  return Object.hasOwn(steps, step) && (steps[step]?.requestOffset ?? -1) >= offset;
}

export class DecisionQueue {
  #records: LogRecord[] = [];
  #head = 0;
  #bytes = 0;
  /** Next offset that is wanted from the log. */
  #wanted = -1;
  #paused = false;
  #learning = false;
  /**
   * Schema ids that were not to be had, and the first offset that had not come when they were asked for. Who writes
   * under a schema has registered it before: the answer holds for what was there, and for nothing that comes later.
   */
  readonly #unlearnt = new Map<number, number>();
  /** The registry was given up, and has not answered since. */
  #isRegistryAway = false;
  #carried: { readonly records: readonly RecordToAppend[]; readonly deadLetter: DeadLetterRecord | null } | null = null;

  constructor(
    private readonly partition: number,
    private readonly quarantine: TopicName,
    private readonly member: Member,
    private readonly effects: OwnerEffects,
  ) {}

  /** A decision that is taken already waits for the next send. */
  get carries(): boolean {
    return this.#carried !== null;
  }

  /** Claims that are not decided yet are at hand. */
  get isWaiting(): boolean {
    return this.#head < this.#records.length;
  }

  clear(): void {
    this.#records = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#wanted = -1;
    this.#paused = false;
    this.#carried = null;
  }

  /** Lets the log deliver from an offset on. */
  begin(offset: number): void {
    this.#wanted = offset;
    this.member.start(this.quarantine, this.partition, offset);
  }

  /** R2: takes what follows without a gap; anything else makes the log deliver again from where it is wanted. */
  enqueue(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.offset < this.#wanted) continue;
      if (record.offset > this.#wanted) {
        this.effects.logger.warn({ partition: this.partition, expected: this.#wanted, got: record.offset }, 'a gap in quarantine: seeking again');
        this.begin(this.#wanted);
        return;
      }
      this.#records.push(record);
      this.#wanted += 1;
      this.#bytes += heldBytes(record);
    }
    if (this.#bytes > highWaterBytes && !this.#paused) {
      this.#paused = true;
      this.member.pause(this.quarantine, this.partition);
    }
  }

  /** Whether there is something to decide now; `later` is called when the schemas that are being learnt have come. */
  ready(later: () => void): boolean {
    if (this.#carried !== null) return true;
    if (this.#head >= this.#records.length) return false;
    this.#learnAhead(later);
    return this.#unknownSchema(this.#head) < 0;
  }

  /** Asks for what is unknown among the next records: those before it need not wait for the answer. */
  #learnAhead(later: () => void): void {
    if (this.#learning || this.effects.learn === undefined) return;
    const unknown = this.#unknownSchemas();
    if (unknown.length === 0) return;
    this.#learning = true;
    void this.#learn(unknown).then(() => {
      this.#learning = false;
      later();
    });
  }

  /** Decides what waits, up to one batch; moves `state` along. */
  decide(state: PartitionState, nextOffset: number): DecidedBatch {
    const records: RecordToAppend[] = [];
    const deadLetters: DeadLetterRecord[] = [];
    let bytes = 0;
    let decided = 0;
    const take = (one: { readonly records: readonly RecordToAppend[]; readonly deadLetter: DeadLetterRecord | null }): void => {
      for (const record of one.records) {
        records.push(record);
        bytes += record.value.length;
      }
      if (one.deadLetter !== null) deadLetters.push(one.deadLetter);
      decided += 1;
    };
    if (this.#carried !== null) take(this.#carried);
    this.#carried = null;
    while (this.#head < this.#records.length && bytes < batchTargetBytes && records.length < limits.batchRecordsMax) {
      if (this.#unknownSchema(this.#head) >= 0) break;
      const decoded = this.effects.codec.decode((this.#records[this.#head] as LogRecord).value);
      // R4: where this batch lands is known only when it is acknowledged; what names a request of it waits for that.
      if (records.length > 0 && namesRequestOf(decoded, state, nextOffset)) break;
      const one = this.#decideOne(state, this.#next(), decoded, nextOffset + records.length);
      const oneBytes = one.records.reduce((sum, record) => sum + record.value.length, 0);
      if (records.length > 0 && (records.length + one.records.length > limits.batchRecordsMax || bytes + oneBytes > limits.batchBytesMax)) {
        // R1: a decision is never split over sends; decided already, it goes first in the next one.
        this.#carried = one;
        break;
      }
      take(one);
    }
    this.#relieve();
    return { records, deadLetters, decided };
  }

  #decideOne(state: PartitionState, record: LogRecord, decoded: Decoded, nextOffset: number): { readonly records: readonly RecordToAppend[]; readonly deadLetter: DeadLetterRecord | null } {
    const { codec, keyring, contracts, partitions, logger } = this.effects;
    const asClaim = decoded.ok && messageClassOf[decoded.event.type] === 'claim' ? (decoded.event as Claim) : null;
    const reason = decoded.ok ? 'not-a-claim' : decoded.reason;
    const content: QuarantineRecord['content'] = decoded.ok && asClaim !== null
      ? { kind: 'claim', claim: asClaim, inspection: inspect({ claim: asClaim, key: record.key, partition: record.partition, body: decoded.body, fingerprint: decoded.schema.fingerprint }, keyring, { contracts, partitions }) }
      : { kind: 'undecodable', reason };
    const about = asClaim === null ? null : () => ({ 'messaging.operation.type': 'process', 'blackboard.claim': asClaim.type, 'blackboard.job': asClaim.job, 'blackboard.step': asClaim.step });
    const decision = withSpan('decide', about, asClaim?.trace ?? '', () => decideRecord(state, { offset: record.offset, appendTimeMs: record.appendTimeMs, digest: codec.digest(record.value), content }, {
      nextOffset, encode: (fact) => codec.encode(fact), batchBytesMax: limits.batchBytesMax, batchRecordsMax: limits.batchRecordsMax,
      onThrow: (error, claim) => logger.error({ partition: this.partition, offset: record.offset, claimType: claim.type, error }, 'a verb threw: claim parked'),
    }));
    const records = decision.facts.map((fact, index) => ({ key: Buffer.from(fact.job), value: decision.encoded[index] as Buffer }));
    return { records, deadLetter: content.kind === 'undecodable' ? { record, reason } : null };
  }

  #next(): LogRecord {
    const record = this.#records[this.#head] as LogRecord;
    this.#head += 1;
    this.#bytes -= heldBytes(record);
    return record;
  }

  #relieve(): void {
    if (this.#head === this.#records.length || this.#head > 4096) {
      this.#records = this.#records.slice(this.#head);
      this.#head = 0;
    }
    if (!this.#paused || this.#bytes > highWaterBytes / 2) return;
    this.#paused = false;
    this.member.resume(this.quarantine, this.partition);
  }

  /** Schema ids among the next records that are neither known nor known to be unknown. */
  #unknownSchemas(): readonly number[] {
    const ids = new Set<number>();
    for (let index = this.#head; index < Math.min(this.#records.length, this.#head + learnAheadRecords); index += 1) {
      const id = this.#unknownSchema(index);
      if (id >= 0) ids.add(id);
    }
    return [...ids];
  }

  /** The schema id of a record, when it is neither known nor known to be unknown; otherwise -1. */
  #unknownSchema(index: number): number {
    const { value, offset } = this.#records[index] as LogRecord;
    if (this.effects.learn === undefined || value.length < 5 || value[0] !== 0) return -1;
    const id = value.readInt32BE(1);
    // Registries give no negative ids: nothing to ask for.
    return id >= 0 && !this.effects.codec.knows(id) && offset >= (this.#unlearnt.get(id) ?? 0) ? id : -1;
  }

  async #learn(ids: readonly number[]): Promise<void> {
    const cameLater = this.#wanted;
    // Each by itself: that a stranger names one which does not exist must not lose those that do.
    await Promise.all(ids.map((id) => this.#learnOne(id)));
    // Whoever names ever new ids must not fill our memory: those that are forgotten are asked for again.
    if (this.#unlearnt.size > 10_000) this.#unlearnt.clear();
    for (const id of ids) if (!this.effects.codec.knows(id)) this.#unlearnt.set(id, cameLater);
  }

  async #learnOne(id: number): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.effects.learn?.(id);
        this.#isRegistryAway = false;
        return;
      } catch (error) {
        const isSilent = error instanceof BlackboardError && error.code === 'REGISTRY_UNAVAILABLE';
        // Waited for once: not anew for each id that somebody makes up meanwhile.
        const isOver = !isSilent || this.#isRegistryAway || tries >= learnTriesMax;
        this.effects.logger.warn({ partition: this.partition, id, tries, error }, isOver ? 'a schema id cannot be learnt: its records go to the dead letter topic' : 'the registry does not answer; asking again');
        if (isOver) {
          this.#isRegistryAway = isSilent;
          return;
        }
        await this.effects.sleep(500 * 2 ** tries);
      }
    }
  }
}

function heldBytes(record: LogRecord): number {
  return record.key.length + record.value.length + recordOverheadBytes;
}
