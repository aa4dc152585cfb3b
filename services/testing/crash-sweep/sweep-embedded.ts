// Many crashes in a row on one long-lived folder: each process recovers from the crash before it while it meets the
// next. The log is checked after every death, while nothing runs; every few crashes, and at the end, everything comes
// to rest and the log, the table beside it and every decision are checked whole.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Keyring } from '../../runtime/keyring.js';
import { parseKeys } from '../../runtime/keys.js';
import { openEmbeddedLogReadOnly } from '../../runtime/log/embedded/read-only-log.js';
import { BlackboardError } from '../../runtime/errors.js';
import type { Kill } from '../../runtime/seams.js';
import { checkDeadLog, findingsOf } from './check-dead-log.js';
import type { Verified } from './embedded-child.js';
import { EmbeddedHost } from './embedded-host.js';
import type { KillReport } from './kills.js';
import { Client } from './rounds.js';
import { RunLedger } from './run-ledger.js';

export interface SweepReport {
  readonly kills: readonly KillReport[];
  /** What is wrong besides what a kill's own report says. */
  readonly problems: readonly string[];
  readonly figures: SweepFigures;
}

export interface SweepFigures {
  readonly elapsedMs: number;
  readonly jobs: number;
  readonly acknowledged: number;
  /** Records of verified, and those of them that do not count: of zombies, and of epochs that were lost. */
  readonly facts: number;
  readonly stale: number;
  readonly rows: number;
  readonly decisionsTakenAgain: number;
  readonly runs: number;
  readonly runsAgain: number;
}

export interface SweepOptions {
  readonly kills: readonly Kill[];
  readonly name: string;
  onKill?(report: KillReport): void;
}

const deathPatienceMs = 150_000;
const roundPatienceMs = 300_000;
const roundsAtOnce = 2;
const killsBetweenRests = 12;

/** Sweeps a folder of its own. */
export async function sweepEmbedded(options: SweepOptions): Promise<SweepReport> {
  const folder = mkdtempSync(join(tmpdir(), 'blackboard-crash-sweep-'));
  const lane = new Lane(folder, options);
  const report = await lane.run();
  if (report.problems.length === 0 && report.kills.every(({ problems }) => problems.length === 0)) rmSync(folder, { recursive: true, force: true });
  return report;
}

class Lane {
  readonly #host: EmbeddedHost;
  readonly #client: Client;
  readonly #ledger: RunLedger;
  readonly #kills: KillReport[] = [];
  readonly #problems: string[] = [];
  readonly #rounds = new Set<Promise<void>>();
  #verified: Verified | null = null;

  constructor(private readonly folder: string, private readonly options: SweepOptions) {
    this.#host = new EmbeddedHost(folder);
    this.#client = new Client(this.#host, options.name, roundPatienceMs);
    this.#ledger = new RunLedger(this.#host.runsFile);
  }

  async run(): Promise<SweepReport> {
    const startedMs = performance.now();
    try {
      for (const [index, kill] of this.options.kills.entries()) {
        await this.#killOnce(kill);
        if ((index + 1) % killsBetweenRests === 0 || index === this.options.kills.length - 1) await this.#rest();
      }
    } catch (error) {
      this.#problems.push(`${(error as Error).message} (folder ${this.folder})`);
      await this.#host.abandon();
    }
    await Promise.all(this.#rounds);
    const { figures, problems } = this.#ledger.check();
    const seen = this.#verified?.report.figures;
    return {
      kills: this.#kills, problems: [...this.#problems, ...problems, ...this.#client.problems],
      figures: {
        elapsedMs: Math.round(performance.now() - startedMs), jobs: this.#client.jobs.length, acknowledged: this.#client.acknowledged.length,
        facts: seen?.facts ?? 0, stale: seen?.stale ?? 0, rows: seen?.rows ?? 0, decisionsTakenAgain: this.#verified?.decisions ?? 0, runs: figures.runs, runsAgain: figures.again,
      },
    };
  }

  async #killOnce(kill: Kill): Promise<void> {
    this.#host.start(kill);
    let isDead = false;
    const death = this.#host.death(deathPatienceMs).finally(() => { isDead = true; });
    // Rounds go on through deaths; new ones begin until the seam is reached as often as it shall be.
    death.catch(() => undefined);
    while (!isDead) {
      if (this.#rounds.size < roundsAtOnce) this.#begin();
      await Promise.race([death, ...this.#rounds]);
    }
    const diedAfterMs = await death;
    const problems = await this.#checkDead();
    const report: KillReport = { kill, isReached: diedAfterMs !== null, diedAfterMs: Math.round(diedAfterMs ?? deathPatienceMs), problems };
    this.#kills.push(report);
    this.options.onKill?.(report);
  }

  #begin(): void {
    const round = this.#client.round().catch((error: unknown) => void this.#problems.push((error as Error).message)).finally(() => this.#rounds.delete(round));
    this.#rounds.add(round);
  }

  async #checkDead(): Promise<readonly string[]> {
    let log;
    try {
      log = openEmbeddedLogReadOnly(join(this.#host.dataDir, 'log'));
    } catch (error) {
      // Died before there was one.
      if (error instanceof BlackboardError && error.code === 'NOT_FOUND') return [];
      throw error;
    }
    try {
      const { problems, facts } = await checkDeadLog({ log, topics: this.#host.topics, codec: this.#host.codec, keyring: this.#keyring() }, this.#client);
      this.#ledger.closedBy(facts);
      return problems;
    } finally {
      await log.close();
    }
  }

  #keyring(): Keyring | null {
    const path = join(this.#host.dataDir, 'keys.json');
    try {
      return new Keyring(parseKeys(readFileSync(path, 'utf8'), path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** Starts unharmed, lets all jobs end and all rows come, checks everything, and stops as an operator does. */
  async #rest(): Promise<void> {
    this.#host.start(null);
    if (this.#rounds.size === 0) this.#begin();
    await Promise.all(this.#rounds);
    const untilMs = Date.now() + 60_000;
    for (let isQuiet = false; !isQuiet && Date.now() < untilMs;) {
      const before = await this.#host.ask<{ records: number; rows: number }>({ ask: 'counts' });
      await sleep(100);
      const after = await this.#host.ask<{ records: number; rows: number }>({ ask: 'counts' });
      isQuiet = before.records === after.records && after.records === after.rows;
    }
    this.#verified = await this.#host.ask<Verified>({ ask: 'verify' });
    this.#problems.push(...findingsOf(this.#verified.report), ...this.#verified.divergences.map((divergence) => `I6: ${divergence}`));
    await this.#host.stop();
    this.#problems.push(...await this.#checkDead());
  }
}
