// The stateful heart of the SDK: which requests are open here, which run, and what may be committed. All entry points
// are synchronous and only enqueue. See run-agents.ts for what it guarantees.

import { Lanes } from '../../runtime/log/lanes.js';
import { CommitWatermark } from '../../runtime/log/commit-watermark.js';
import { lastCommitMsMax } from '../../runtime/log/port.js';
import type { Position } from '../../runtime/log/position.js';
import type { VerifiedBatch, VerifiedFact } from '../../runtime/log/verified-facts.js';
import type { Gained, VerifiedHandler, VerifiedReader } from '../../runtime/log/verified-reader.js';
import { through } from '../../runtime/seams.js';
import { within } from '../../runtime/within.js';
import type { Agent } from './agent.js';
import { AttemptBook, closingTypes, type AbortReason, type Attempt } from './attempt-book.js';
import { AttemptEnding } from './attempt-ending.js';
import { runAttempt, type AttemptParts } from './run-attempt.js';
import type { Request } from './step-request.js';

export interface PoolLimits {
  /** Runs at once at most. */
  readonly concurrency: number;
  /** Requests, and their bytes, that may wait before the partitions are paused. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  /** Requests held back at most while partitions are read to their then-end; beyond it the oldest begin to run. */
  readonly heldMax: number;
  readonly heldBytesMax: number;
  /** Runs under way get so long when the process ends. */
  readonly drainMs: number;
  readonly commitEveryMs: number;
}

export interface AgentStats {
  readonly waiting: number;
  readonly running: number;
  readonly held: number;
  readonly waitingBytes: number;
  readonly answered: number;
  readonly failed: number;
  readonly aborted: number;
  readonly unposted: number;
  /** Closed before they ran: nobody paid for them. */
  readonly droppedClosed: number;
  /** Delivered again while running or after having been run here; not run again. */
  readonly redelivered: number;
}

/** A partition in one life of its assignment. */
interface PartitionLife {
  readonly watermark: CommitWatermark<Position>;
  readonly thenEnd: number;
  /** Null once the then-end is reached. */
  held: Attempt[] | null;
  /** Behind what has been delivered to this pool; null before the first batch. */
  end: Position | null;
  committedOffset: number;
}

type Known = Attempt | 'finished';

export class AgentPool implements VerifiedHandler {
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #parts: AttemptParts;
  readonly #limits: PoolLimits;
  readonly #lanes: Lanes;
  readonly #book = new AttemptBook();
  readonly #lives = new Map<number, PartitionLife>();
  /** Per partition, by offset: what must not be run a second time here. Outlives a loss of the partition. */
  readonly #known = new Map<number, Map<number, Known>>();
  readonly #counts = { answered: 0, failed: 0, aborted: 0, unposted: 0, droppedClosed: 0, redelivered: 0 };
  #reader: VerifiedReader | null = null;
  #heldCount = 0;
  #heldBytes = 0;
  #isEnding = false;
  #draining: Promise<void> | null = null;
  #commitTimer = (): void => undefined;
  #committing: Promise<void> = Promise.resolve();
  #halt: (error: Error) => void = () => undefined;
  readonly halted: Promise<Error>;

  constructor(options: { readonly agents: readonly Agent[]; readonly parts: AttemptParts; readonly limits: PoolLimits }) {
    this.#agents = new Map(options.agents.map((agent) => [agent.name, agent]));
    this.#parts = options.parts;
    this.#limits = options.limits;
    this.halted = new Promise((resolve) => (this.#halt = resolve));
    const { concurrency, waitingMax, waitingBytesMax } = options.limits;
    this.#lanes = new Lanes({
      concurrency, countHigh: concurrency + waitingMax, countLow: concurrency + Math.floor(waitingMax / 2), bytesHigh: waitingBytesMax, bytesLow: Math.floor(waitingBytesMax / 2),
      onPressure: (isHigh) => { if (!this.#isEnding) this.#reader?.[isHigh ? 'pause' : 'resume'](); },
    });
  }

  attach(reader: VerifiedReader): void {
    this.#reader = reader;
    this.#scheduleCommit();
  }

  stats(): AgentStats {
    const { waiting, running, bytes } = this.#lanes.stats;
    return { waiting, running, held: this.#heldCount, waitingBytes: bytes, ...this.#counts };
  }

  onGained({ partition, position, thenEnd }: Gained): void {
    const known = this.#known.get(partition) ?? new Map<number, Known>();
    this.#known.set(partition, known);
    forgetBelow(known, position.offset);
    this.#lives.set(partition, { watermark: new CommitWatermark(position.offset), thenEnd, held: position.offset < thenEnd ? [] : null, end: null, committedOffset: position.offset });
  }

  /** What waits is dropped: the next owner is shown it. What runs goes on, and is not committed by us. */
  onLost(partition: number): void {
    this.#lives.delete(partition);
    for (const [offset, attempt] of this.#known.get(partition) ?? []) {
      if (attempt === 'finished' || attempt.state === 'running') continue;
      this.#drop(attempt);
      this.#known.get(partition)?.delete(offset);
    }
  }

  onBatch(batch: VerifiedBatch): void {
    const life = this.#lives.get(batch.partition);
    if (life === undefined || this.#isEnding) return;
    for (const fact of batch.facts) {
      if (fact.type === 'StepRequested' || fact.type === 'VerificationRequested') this.#request(fact, batch, life);
      else if (closingTypes.has(fact.type) && this.#book.hasJob(jobOf(fact))) this.#close(fact);
    }
    life.watermark.delivered(batch.next);
    life.end = batch.positionAt(batch.next);
    if (life.held !== null && (batch.next >= life.thenEnd || this.#heldCount > this.#limits.heldMax || this.#heldBytes > this.#limits.heldBytesMax)) this.#release(life, batch.next >= life.thenEnd);
  }

  onHalt(error: Error): void {
    this.#end('shutdown');
    this.#parts.logger.error({ err: error }, 'the agents have halted');
    this.#halt(error);
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  #request(fact: VerifiedFact, batch: VerifiedBatch, life: PartitionLife): void {
    const agent = this.#agents.get(fact.peekAgent());
    // A newer request closes older ones: also the producer's, when it goes to a verifier that lives elsewhere.
    if (this.#book.hasJob(jobOf(fact))) this.#close(fact);
    if (agent === undefined) return;
    const { partition, offset } = fact.record;
    const known = this.#known.get(partition)?.get(offset);
    if (known !== undefined) {
      this.#counts.redelivered += 1;
      if (known !== 'finished') known.tracked = life.watermark.track(offset, batch.positionAt(offset));
      return;
    }
    const request = fact.decode() as Request;
    const attempt: Attempt = {
      // Two times of the log: none of them and this clock are ever compared.
      partition, offset, agent, request, endsAtMs: this.#parts.clock.nowMs() + request.deadlineAtMs - Math.max(request.atMs, fact.record.appendTimeMs),
      ending: new AttemptEnding(), abortedFor: null, state: 'held', task: null, tracked: life.watermark.track(offset, batch.positionAt(offset)),
    };
    const task = { key: `${attempt.request.job}/${attempt.request.step}`, bytes: fact.record.value.length, run: () => this.#run(attempt) };
    attempt.task = task;
    this.#known.get(partition)?.set(offset, attempt);
    this.#book.add(attempt);
    if (life.held === null) this.#queue(attempt);
    else {
      life.held.push(attempt);
      this.#heldCount += 1;
      this.#heldBytes += task.bytes;
    }
  }

  #close(fact: VerifiedFact): void {
    for (const attempt of this.#book.closedBy(fact.decode())) {
      // A request that is delivered again meets itself, still running.
      if (attempt.partition === fact.record.partition && attempt.offset >= fact.record.offset) continue;
      if (attempt.state === 'running') this.#abort(attempt, 'closed');
      else {
        this.#counts.droppedClosed += 1;
        this.#drop(attempt);
        this.#settle(attempt);
      }
    }
  }

  #queue(attempt: Attempt): void {
    attempt.state = 'queued';
    if (attempt.task !== null) this.#lanes.submit(attempt.task);
  }

  /** Lets the held requests of a partition run; `isAll`: it is read to the then-end. */
  #release(life: PartitionLife, isAll: boolean): void {
    const held = life.held ?? [];
    life.held = isAll ? null : [];
    for (const attempt of held) {
      if (attempt.state !== 'held') continue;
      this.#unhold(attempt);
      this.#queue(attempt);
    }
  }

  #unhold(attempt: Attempt): void {
    this.#heldCount -= 1;
    this.#heldBytes -= attempt.task?.bytes ?? 0;
  }

  /** Takes back an attempt that has not run. */
  #drop(attempt: Attempt): void {
    if (attempt.state === 'held') this.#unhold(attempt);
    if (attempt.state === 'queued' && attempt.task !== null) this.#lanes.cancel(attempt.task);
    attempt.state = 'dropped';
    this.#book.remove(attempt);
  }

  #abort(attempt: Attempt, reason: AbortReason): void {
    if (attempt.abortedFor !== null) return;
    attempt.abortedFor = reason;
    attempt.ending.end(new Error(`the attempt is over: ${reason}`));
  }

  async #run(attempt: Attempt): Promise<void> {
    attempt.state = 'running';
    const leftMs = attempt.endsAtMs - this.#parts.clock.nowMs();
    if (leftMs <= 0) this.#abort(attempt, 'deadline');
    const cancel = this.#parts.clock.after(leftMs, () => this.#abort(attempt, 'deadline'));
    try {
      const end = attempt.abortedFor === null ? await runAttempt(attempt, this.#parts) : 'aborted';
      this.#counts[end] += 1;
    } catch (error) {
      // The log said something that retrying does not heal, or we are wrong: this process must not go on.
      this.#fail(error as Error);
      attempt.abortedFor = 'shutdown';
    } finally {
      cancel();
      this.#book.remove(attempt);
      // Work cut short by our own end is left to the next owner: it stays below the watermark.
      if (attempt.abortedFor !== 'shutdown') this.#settle(attempt);
    }
  }

  #settle(attempt: Attempt): void {
    attempt.state = 'finished';
    this.#known.get(attempt.partition)?.set(attempt.offset, 'finished');
    const life = this.#lives.get(attempt.partition);
    if (attempt.tracked !== null) life?.watermark.done(attempt.tracked);
  }

  #scheduleCommit(): void {
    this.#commitTimer = this.#parts.clock.after(this.#limits.commitEveryMs, () => {
      void this.#commit().finally(() => { if (!this.#isEnding) this.#scheduleCommit(); });
    });
  }

  #commit(): Promise<void> {
    this.#committing = this.#committing.then(async () => {
      const positions = new Map<number, Position>();
      for (const [partition, life] of this.#lives) {
        const position = life.watermark.oldestOpen?.value ?? life.end;
        if (position !== null && position.offset > life.committedOffset) positions.set(partition, position);
      }
      if (positions.size === 0) return;
      const lives = new Map(this.#lives);
      try {
        await through(this.#parts.seams, 'agents.commit-positions', async () => this.#reader?.commit(positions));
      } catch (error) {
        this.#parts.logger.warn({ err: error }, 'positions could not be committed; they will be at the next turn');
        return;
      }
      for (const [partition, position] of positions) {
        const life = lives.get(partition);
        if (life === undefined || this.#lives.get(partition) !== life) continue;
        life.committedOffset = position.offset;
        forgetBelow(this.#known.get(partition), position.offset);
      }
    });
    return this.#committing;
  }

  #fail(error: Error): void {
    this.#parts.logger.error({ err: error }, 'an agent process cannot go on');
    this.#end('shutdown');
    this.#halt(error);
  }

  /** Takes nothing new; drops what waits; with a reason, aborts what runs. */
  #end(reason: AbortReason | null): void {
    this.#isEnding = true;
    this.#commitTimer();
    this.#reader?.pause();
    for (const attempt of this.#book.all()) {
      if (attempt.state !== 'running') this.#drop(attempt);
      else if (reason !== null) this.#abort(attempt, reason);
    }
  }

  async #drain(): Promise<void> {
    this.#end(null);
    const cancel = this.#parts.clock.after(this.#limits.drainMs, () => this.#end('shutdown'));
    await this.#lanes.idle();
    cancel();
    await within(this.#commit(), lastCommitMsMax, (ms, run) => this.#parts.clock.after(ms, run)).catch(() => undefined);
    await this.#reader?.leave();
    this.#parts.logger.info(this.stats(), 'agents drained');
  }
}

function jobOf(fact: VerifiedFact): string {
  return fact.record.key.toString('latin1');
}

/** What is below a committed position is not delivered again. Offsets were added in rising order, but for those that outlived a loss. */
function forgetBelow(known: Map<number, Known> | undefined, offset: number): void {
  for (const [at, attempt] of known ?? []) {
    if (at >= offset) break;
    if (attempt === 'finished') known?.delete(at);
  }
}
