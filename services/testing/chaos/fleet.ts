// The services of a run, each seat an operating system process that a supervisor starts again when it is gone. At most
// one process of a group is struck per two session timeouts, counted from when the group was whole again (starting takes
// long on a slow machine), or nothing would ever settle.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, RunningService, Service } from '../cluster.js';
import type { Journal } from './journal.js';

export type Kind = 'orchestrator' | 'projector' | 'ingress' | 'gateway' | 'worker' | 'checker';

export const replicas: Readonly<Record<Kind, number>> = { orchestrator: 2, projector: 2, ingress: 2, gateway: 2, worker: 2, checker: 2 };

export interface Exit {
  readonly kind: Kind;
  readonly index: number;
  readonly atMs: number;
  /** `start`: it ended by itself before it ran; `itself`: after. */
  readonly by: 'kill' | 'stop' | 'start' | 'itself';
  readonly code: string;
  /** The last thing that it said at level fatal or error, or on stderr. */
  readonly said: string;
}

export interface Seat {
  readonly kind: Kind;
  readonly index: number;
  state: 'down' | 'up' | 'frozen';
  upSinceMs: number;
  running: RunningService | null;
  isToDie: boolean;
}

export interface FleetParts {
  readonly cluster: Cluster;
  readonly journal: Journal;
  readonly sessionTimeoutMs: number;
  readonly envOf: (seat: Pick<Seat, 'kind' | 'index'>) => Readonly<Record<string, string>>;
}

const restartPauseMs = 300;

export class Fleet {
  readonly seats: readonly Seat[];
  readonly exits: Exit[] = [];
  /** When a killed or ended seat ran again. */
  readonly ups: { readonly kind: Kind; readonly index: number; readonly atMs: number }[] = [];
  readonly #struckAtMs = new Map<Kind, number>();
  readonly #thaws = new Map<Seat, NodeJS.Timeout>();
  readonly #loops: { readonly kind: Kind; readonly over: Promise<void> }[] = [];
  readonly #ending = new Set<Kind>();

  constructor(private readonly parts: FleetParts) {
    this.seats = (Object.keys(replicas) as Kind[]).flatMap((kind) => Array.from({ length: replicas[kind] }, (_, index) => ({ kind, index, state: 'down' as const, upSinceMs: 0, running: null, isToDie: false })));
  }

  /** Starts all, a few at a time, and keeps them running. */
  async start(): Promise<void> {
    for (const wave of [['gateway', 'orchestrator'], ['projector', 'ingress'], ['worker', 'checker']] as const) {
      for (const seat of this.seats.filter(({ kind }) => (wave as readonly Kind[]).includes(kind))) this.#loops.push({ kind: seat.kind, over: this.#keep(seat) });
      await this.rest(120_000, wave);
    }
  }

  /** Whether a group may be struck now: all its seats run, and have done so for two session timeouts since the last strike. */
  mayStrike(kind: Kind): boolean {
    const quietMs = Date.now() - Math.max(this.#struckAtMs.get(kind) ?? 0, ...this.of(kind).map(({ upSinceMs }) => upSinceMs));
    return !this.#ending.has(kind) && quietMs >= 2 * this.parts.sessionTimeoutMs && this.of(kind).every((seat) => seat.state === 'up');
  }

  of(kind: Kind): readonly Seat[] {
    return this.seats.filter((seat) => seat.kind === kind);
  }

  seatOf(pid: number): Seat | undefined {
    return this.seats.find((seat) => seat.running?.child.pid === pid);
  }

  /** Notes that a group is being struck by other means than these. */
  struck(kind: Kind): void {
    this.#struckAtMs.set(kind, Date.now());
  }

  kill(seat: Seat): void {
    const { running, kind } = seat;
    if (running?.child.pid === undefined) return;
    this.struck(kind);
    seat.isToDie = true;
    this.parts.journal.kills.push({ kind, pid: running.child.pid, atMs: Date.now() });
    running.child.kill('SIGKILL');
  }

  /** SIGSTOP, and SIGCONT after so long. */
  freeze(seat: Seat, forMs: number): void {
    this.struck(seat.kind);
    seat.running?.child.kill('SIGSTOP');
    seat.state = 'frozen';
    this.#thaws.set(seat, setTimeout(() => this.#thaw(seat), forMs));
  }

  /** Sends a signal to a seat that runs; false when it does not. */
  signal(seat: Seat, signal: NodeJS.Signals): boolean {
    return seat.state === 'up' && seat.running?.child.kill(signal) === true;
  }

  /** Resolves when all (of some kinds) run. @throws after the time is over, naming who does not. */
  async rest(timeoutMs: number, kinds: readonly Kind[] = Object.keys(replicas) as Kind[]): Promise<void> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const missing = this.seats.filter((seat) => kinds.includes(seat.kind) && seat.state !== 'up');
      if (missing.length === 0) return;
      if (Date.now() > until) throw new Error(`${missing.map(({ kind, index }) => `${kind} ${index}`).join(', ')} did not run within ${timeoutMs / 1000} s: ${this.exits.slice(-3).map(({ said }) => said).join(' | ')}`);
      await sleep(100);
    }
  }

  /** Ends all at once, for a run that is broken off. */
  killAll(): void {
    for (const kind of Object.keys(replicas) as Kind[]) this.#ending.add(kind);
    for (const { child } of this.parts.cluster.processes) child.kill('SIGKILL');
  }

  thawAll(): void {
    for (const seat of [...this.#thaws.keys()]) this.#thaw(seat);
  }

  /** Asks kinds to end well, in the given order; kills what does not within 20 s. */
  async stop(order: readonly Kind[] = ['ingress', 'worker', 'checker', 'gateway', 'orchestrator', 'projector']): Promise<void> {
    this.thawAll();
    for (const kind of order) {
      this.#ending.add(kind);
      await Promise.all(this.of(kind).map(async (seat) => {
        const child = seat.running?.child;
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        const grace = new AbortController();
        await Promise.race([ended, sleep(20_000, undefined, { signal: grace.signal }).then(() => child.kill('SIGKILL'), () => undefined)]);
        grace.abort();
        await ended;
      }));
    }
    await Promise.all(this.#loops.filter(({ kind }) => order.includes(kind)).map(({ over }) => over));
  }

  #thaw(seat: Seat): void {
    clearTimeout(this.#thaws.get(seat));
    this.#thaws.delete(seat);
    this.struck(seat.kind);
    if (seat.state !== 'frozen') return;
    seat.running?.child.kill('SIGCONT');
    seat.state = 'up';
  }

  async #keep(seat: Seat): Promise<void> {
    const { cluster, envOf, journal } = this.parts;
    const service: Service = seat.kind === 'worker' || seat.kind === 'checker' ? 'agents' : seat.kind;
    while (!this.#ending.has(seat.kind)) {
      seat.isToDie = false;
      try {
        seat.running = await cluster.start(service, envOf(seat));
      } catch (error) {
        this.#exited(seat, 'start', null, String((error as Error).message));
        await sleep(restartPauseMs * 2);
        continue;
      }
      const { child } = seat.running;
      // Asked to end while it was starting, which nobody could ask of it then.
      if (this.#ending.has(seat.kind)) child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) {
        seat.state = 'up';
        seat.upSinceMs = Date.now();
        this.ups.push({ kind: seat.kind, index: seat.index, atMs: seat.upSinceMs });
        journal.note('start', [seat.kind], `${seat.kind} ${seat.index} runs as ${child.pid}`);
        await once(child, 'exit');
      }
      seat.state = 'down';
      this.#exited(seat, this.#ending.has(seat.kind) ? 'stop' : seat.isToDie ? 'kill' : 'itself', seat.running, '');
      await sleep(restartPauseMs);
    }
  }

  #exited(seat: Seat, by: Exit['by'], running: RunningService | null, otherwise: string): void {
    const said = by === 'kill' || by === 'stop' ? '' : running === null ? otherwise.slice(-600) : lastWords(running.logFile);
    const code = running === null ? '' : String(running.child.signalCode ?? running.child.exitCode);
    this.exits.push({ kind: seat.kind, index: seat.index, atMs: Date.now(), by, code, said });
    this.parts.journal.note(by === 'kill' ? 'exit' : `exit-${by}`, [seat.kind], `${seat.kind} ${seat.index} ended with ${code}${said === '' ? '' : `: ${said.slice(0, 300)}`}`);
  }
}

/** The last line of a log that says why its process ended. */
function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  const telling = lines.filter((line) => !line.startsWith('{') || line.includes('"level":"fatal"')).at(-1) ?? lines.at(-1) ?? '';
  return telling.slice(0, 1_000);
}
