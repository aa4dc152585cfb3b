// Follows `bb.verified` and keeps Postgres its image: each record exactly one row, however often processes die.
// Positions are the watermark rows alone; offsets committed to the group are a hint for lag monitors.
// While a transaction is under way the next batch gathers behind it, and what nobody waits for gathers a little longer:
// as few transactions as it takes. The end of a job never waits.
// Postgres away: nothing is dropped, reading pauses, and the same batch is tried until it is in or somebody stops.

import { setTimeout as sleepMs } from 'node:timers/promises';
import type { TopicName } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Database } from '../runtime/database.js';
import { BlackboardError } from '../runtime/errors.js';
import { lastCommitMsMax, type LogPort } from '../runtime/log/port.js';
import type { Position } from '../runtime/log/position.js';
import type { VerifiedBatch } from '../runtime/log/verified-facts.js';
import { VerifiedReader } from '../runtime/log/verified-reader.js';
import { isTransientDatabaseError } from '../runtime/postgres/transient-error.js';
import { noSeams, through, type Seams } from '../runtime/seams.js';
import { applyBatch, type ProjectionBatch } from './apply.js';
import { PendingRecords, type Taken } from './pending-records.js';
import { projectRecord } from './project-records.js';
import { readWatermarks } from './watermarks.js';

export interface ProjectorOptions {
  readonly log: LogPort;
  readonly codec: EventCodec;
  readonly db: Database;
  /** `bb.verified`. */
  readonly topic: TopicName;
  readonly group: string;
  /** The projector has stopped for good; the process should end. What was committed stays true. */
  onHalt(error: Error): void;
  /** Once when Postgres has refused several times in a row, and once (null) when it answers again. */
  onDatabaseAway?(error: Error | null): void;
  /** Teaches the codec a schema id that it does not know. */
  readonly learn?: (schemaId: number) => Promise<void>;
  /** Rows of one transaction, about: what one fetch brought is never split. Default 4,000. */
  readonly rowsMax?: number;
  /** How long facts that end no job may wait for company. Default 20. */
  readonly gatherMs?: number;
  /** Bytes that one fetch of one partition may hold. Default: the log's. */
  readonly bytesPerPartitionMax?: number;
  /** Records and bytes that may wait before reading pauses. Default 40,000 and 64 MiB. */
  readonly pendingRecordsMax?: number;
  readonly pendingBytesMax?: number;
  /** Longest wait between two tries. Default 5,000. */
  readonly retryMsMax?: number;
  readonly sessionTimeoutMs?: number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
  readonly seams?: Seams;
}

/** Rows up to `lastOffset` of a partition are committed. */
export interface Committed {
  readonly partition: number;
  readonly lastOffset: number;
}

export interface PartitionLag {
  readonly partition: number;
  /** Records of the log that have no committed row yet. */
  readonly records: number;
  /** Between the append times of the newest record received and of the newest one committed, ms. */
  readonly behindMs: number;
}

const triesBeforeAway = 5;
const hintEveryMs = 1_000;

/** Starts to project; resolves when the reader runs. @throws what joining the group throws. */
export async function runProjector(options: ProjectorOptions): Promise<Projector> {
  const projector = new Projector(options);
  await projector.start();
  return projector;
}

export class Projector {
  readonly #options: ProjectorOptions;
  readonly #reader: VerifiedReader;
  readonly #pending: PendingRecords;
  readonly #listeners = new Set<(committed: Committed) => void>();
  readonly #stopped = new AbortController();
  #working: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #hints = new Map<number, Position>();
  #hintedAtMs = 0;
  #hinting: Promise<void> | null = null;
  #isCommitting = false;
  #isPreparing = false;
  readonly #rowsMax: number;
  readonly #seams: Seams;
  #isOver = false;

  constructor(options: ProjectorOptions) {
    this.#options = options;
    this.#rowsMax = options.rowsMax ?? 4_000;
    this.#seams = options.seams ?? noSeams;
    this.#pending = new PendingRecords({
      project: (fact) => projectRecord(fact, options.codec),
      recordsMax: options.pendingRecordsMax ?? 40_000,
      bytesMax: options.pendingBytesMax ?? 64 * 1024 * 1024,
      onPressure: (isHigh) => (isHigh ? this.#reader.pause() : this.#reader.resume()),
    });
    this.#reader = new VerifiedReader({
      log: options.log, codec: options.codec, group: options.group, topic: options.topic, includesStale: true,
      storedPositions: (partitions) => this.#storedPositions(partitions),
      handler: {
        onGained: ({ partition, position }) => this.#pending.gain(partition, position),
        onLost: (partition) => this.#pending.lose(partition),
        onBatch: (batch) => this.#receive(batch),
        onHalt: (error) => this.#halt(error),
      },
      ...(options.learn === undefined ? {} : { learn: options.learn }),
      ...(options.bytesPerPartitionMax === undefined ? {} : { bytesPerPartitionMax: options.bytesPerPartitionMax }),
      ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    });
  }

  async start(): Promise<void> {
    await through(this.#seams, 'projector.join', () => this.#reader.join());
  }

  /** Calls back after each commit, once per partition that moved; returns how to stop that. */
  onCommitted(listener: (committed: Committed) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Of the partitions that this process has now. Asks the log for its ends. */
  async lag(): Promise<readonly PartitionLag[]> {
    const ranges = await this.#options.log.ranges(this.#options.topic);
    return this.#pending.progress().map(({ partition, next, committedAtMs, receivedAtMs }) => ({
      partition,
      records: Math.max(0, (ranges.find((range) => range.partition === partition)?.next ?? next) - next),
      behindMs: committedAtMs === null || receivedAtMs === null ? 0 : Math.max(0, receivedAtMs - committedAtMs),
    }));
  }

  /** Lets the transaction under way end, leaves the group. What was not projected stays in the log. */
  async stop(): Promise<void> {
    this.#end();
    await this.#working;
    await this.#lastHint();
    await this.#reader.leave();
  }

  #receive(batch: VerifiedBatch): void {
    this.#pending.add(batch);
    if (this.#isCommitting) this.#prepare();
    else this.#wake();
  }

  #wake(): void {
    if (this.#working !== null || this.#isOver) return;
    const dueInMs = this.#dueInMs();
    if (dueInMs === null) return;
    if (dueInMs > 0) {
      // Nobody waits yet: what comes next may be somebody's, and then only its own rows are left to make.
      while (this.#pending.prepare(this.#rowsMax));
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#wake();
      }, Math.ceil(dueInMs));
      return;
    }
    this.#working = this.#work().catch((error: unknown) => this.#halt(error as Error)).finally(() => {
      this.#working = null;
      this.#wake();
    });
  }

  async #work(): Promise<void> {
    do {
      // What arrives in this turn of the event loop joins the batch.
      await Promise.resolve();
      const taken = this.#take();
      if (taken.length === 0) return;
      await this.#whilePreparing(this.#commit(taken));
      if (performance.now() - this.#hintedAtMs >= hintEveryMs) this.#hint();
    } while (this.#dueInMs() === 0);
  }

  /** Far below the most of a transaction there is nothing to gain from waiting any more. */
  #dueInMs(): number | null {
    return this.#pending.dueInMs(this.#options.gatherMs ?? 20, this.#rowsMax / 8);
  }

  /** Postgres works on one batch while this process projects what comes: what is taken is decided only afterwards. */
  async #whilePreparing(commit: Promise<void>): Promise<void> {
    this.#isCommitting = true;
    this.#prepare();
    await commit.finally(() => { this.#isCommitting = false; });
  }

  /** One fetch in each turn of the event loop: word from Postgres waits for no more than that. */
  #prepare(): void {
    if (this.#isPreparing) return;
    this.#isPreparing = true;
    setImmediate(() => {
      this.#isPreparing = false;
      try {
        if (this.#isCommitting && !this.#isOver && this.#pending.prepare(this.#rowsMax)) this.#prepare();
      } catch (error) {
        this.#halt(error as Error);
      }
    });
  }

  #take(): readonly Taken[] {
    return this.#isOver ? [] : this.#pending.take(this.#rowsMax);
  }

  /** Returns when the batch is in Postgres, by whoever's hand, or the projector is over. */
  async #commit(taken: readonly Taken[]): Promise<void> {
    let batch: ProjectionBatch | null = this.#batchOf(taken);
    for (let tries = 0; batch !== null;) {
      try {
        const current = batch;
        const applied = await through(this.#seams, 'projector.commit', () => applyBatch(this.#options.db, current));
        if (tries >= triesBeforeAway) this.#options.onDatabaseAway?.(null);
        tries = 0;
        if (applied === 'applied') break;
        batch = withoutCovered(batch, await this.#stored(batch));
      } catch (error) {
        if (!isTransientDatabaseError(error)) throw error;
        tries += 1;
        if (tries === triesBeforeAway) this.#options.onDatabaseAway?.(error as Error);
        await this.#backOff(tries);
        if (this.#isOver) return;
      }
    }
    this.#pending.committed(taken);
    for (const { partition, to } of taken) {
      this.#hints.set(partition, to);
      for (const listener of this.#listeners) listener({ partition, lastOffset: to.offset - 1 });
    }
  }

  #batchOf(taken: readonly Taken[]): ProjectionBatch {
    return {
      topic: this.#options.topic,
      advances: taken.map(({ partition, from, isFirst, to, lastAppendTimeMs }) => ({ partition, from, isFirst, to, lastAppendTimeMs })),
      changes: taken.flatMap(({ changes }) => changes),
    };
  }

  async #stored(batch: ProjectionBatch): Promise<ReadonlyMap<number, Position>> {
    return readWatermarks(this.#options.db, batch.topic, batch.advances.map((advance) => advance.partition));
  }

  /** Asked for when partitions are gained: without Postgres there is no position, so it waits for it. */
  async #storedPositions(partitions: readonly number[]): Promise<ReadonlyMap<number, Position>> {
    for (let tries = 1; ; tries += 1) {
      try {
        const stored = await through(this.#seams, 'projector.read-watermarks', () => readWatermarks(this.#options.db, this.#options.topic, partitions));
        if (tries > triesBeforeAway) this.#options.onDatabaseAway?.(null);
        return stored;
      } catch (error) {
        if (!isTransientDatabaseError(error)) throw error;
        if (tries === triesBeforeAway) this.#options.onDatabaseAway?.(error as Error);
        await this.#backOff(tries);
        if (this.#isOver) return new Map();
      }
    }
  }

  async #backOff(tries: number): Promise<void> {
    const ceilingMs = Math.min(50 * 2 ** Math.min(tries, 20), this.#options.retryMsMax ?? 5_000);
    const waitMs = ceilingMs * (0.5 + 0.5 * (this.#options.random ?? Math.random)());
    await this.#sleep(waitMs, this.#stopped.signal);
  }

  /** Ends early, and never rejects, when the signal aborts. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const sleep = this.#options.sleep ?? ((forMs, until) => sleepMs(forMs, undefined, { signal: until }));
    await sleep(ms, signal).catch(() => undefined);
  }

  /** Beside the work: no row waits for a hint, which may fail, and is worth nothing then. One at a time, so that none goes back. */
  #hint(): void {
    if (this.#hinting !== null || this.#hints.size === 0) return;
    const hints = this.#hints;
    this.#hints = new Map();
    this.#hintedAtMs = performance.now();
    this.#hinting = through(this.#seams, 'projector.commit-positions', () => this.#reader.commit(hints)).catch(() => undefined).finally(() => { this.#hinting = null; });
  }

  /** For as long as somebody who wants to leave has patience with a log that does not answer. */
  async #lastHint(): Promise<void> {
    const isSaid = new AbortController();
    const said = Promise.resolve(this.#hinting).then(() => { this.#hint(); return this.#hinting; }).finally(() => isSaid.abort());
    await Promise.race([said, this.#sleep(lastCommitMsMax, isSaid.signal)]);
  }

  #end(): void {
    this.#isOver = true;
    this.#stopped.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #halt(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    void this.#reader.leave().catch(() => undefined);
    this.#options.onHalt(error);
  }
}

/**
 * What is left of a batch after somebody else moved watermarks over a part of it (the owner of the partition before
 * a rebalance, or this process, whose commit was answered by a broken connection). Null when nothing is left.
 */
function withoutCovered(batch: ProjectionBatch, stored: ReadonlyMap<number, Position>): ProjectionBatch | null {
  const starts = new Map<number, number>();
  const advances = batch.advances.flatMap((advance) => {
    const held = stored.get(advance.partition);
    if (held === undefined && advance.isFirst) return [advance];
    if (held === undefined || held.offset < advance.from) throw wentBack(batch.topic, advance.partition, held?.offset ?? 0, advance.from);
    const last = batch.changes.find(({ audit }) => audit.partition === advance.partition && audit.offset === held.offset - 1);
    if (last !== undefined && last.audit.digest !== held.digest) throw otherLog(batch.topic, advance.partition, held.offset - 1);
    starts.set(advance.partition, held.offset);
    return held.offset >= advance.to.offset ? [] : [{ ...advance, from: held.offset, isFirst: false }];
  });
  if (advances.length === 0) return null;
  return { topic: batch.topic, advances, changes: batch.changes.filter(({ audit }) => audit.offset >= (starts.get(audit.partition) ?? 0)) };
}

function wentBack(topic: string, partition: number, stored: number, expected: number): BlackboardError {
  return new BlackboardError('WRITER_FENCED', `the watermark of partition ${partition} of ${topic} went back from ${expected} to ${stored}: the database was restored or replaced while this projector ran. `
    + 'Nothing was written. Start the projector again: it goes on from the stored watermark.', { partition, stored, expected });
}

function otherLog(topic: string, partition: number, offset: number): BlackboardError {
  return new BlackboardError('LOG_POSITION_CHANGED', `the record at offset ${offset} of partition ${partition} of ${topic} is not the one that the stored watermark covers. `
    + 'Two logs feed one database; nothing was written. Give each blackboard a database of its own.', { partition, offset });
}
