// The bench: honest jobs at a steady rate throughout, the adversary in every second phase; then everything is left to
// come to rest, each hostile record accounted for, the log verified and the operator's views looked at.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaLog } from '../../runtime/log/kafka/kafka-log.js';
import type { LogPort } from '../../runtime/log/port.js';
import type { VerifyReport } from '../../verify/verify-log.js';
import { ClaimSender } from '../chaos/claims.js';
import { percentile } from '../chaos/recovery.js';
import { verifyWithCommand } from '../chaos/verify-command.js';
import { account, type Account } from './account.js';
import { Adversary } from './adversary.js';
import { openBenchCluster, type BenchCluster } from './bench-cluster.js';
import { Book } from './book.js';
import { HonestTraffic, submissionFields } from './honest-traffic.js';
import { kinds } from './kinds.js';
import { viewsThatAct } from './terminal-check.js';
import { baitWorkflow, honestWorkflow, judgedWorkflow } from './traps.js';

export interface HostileOptions {
  readonly records: number;
  readonly seed: number;
  /** Hostile records a second while the adversary strikes. */
  readonly ratePerSecond: number;
  readonly honestPerSecond: number;
  /** Phases in which the adversary strikes; a calm one before each and after the last. */
  readonly strikes: number;
  readonly calmMs: number;
  readonly say: (line: string) => void;
}

export interface PhaseFigures {
  readonly isHostile: boolean;
  readonly jobs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface HostileReport {
  readonly ok: boolean;
  readonly options: Omit<HostileOptions, 'say'>;
  readonly account: Omit<Account, 'latenciesMs'>;
  readonly phases: readonly PhaseFigures[];
  /** p99 while the adversary strikes over that of the calm phases around it: median of the phases. */
  readonly p99Ratio: number;
  readonly p50Ratio: number;
  readonly achievedPerSecond: number;
  readonly unsentKinds: readonly string[];
  readonly unknownAppends: number;
  /** Honest submissions that were held back, since the machine did not keep up. */
  readonly heldBack: number;
  readonly verify: Pick<VerifyReport, 'ok' | 'figures'> & { readonly failed: readonly string[] };
  readonly viewsThatAct: readonly string[];
}

const baitsOpen = 24;
const judgedOpen = 4;
/** Open jobs of so many seconds are an overload. */
const overloadedSeconds = 5;
const settleTimeoutMs = 180_000;

export async function runHostile(options: HostileOptions): Promise<HostileReport> {
  const bench = await openBenchCluster(`hostile${options.seed}`);
  // Patient ones: what has no known outcome cannot be accounted for, however slow the machine is.
  const [honest, hostile] = ['honest', 'mallory'].map((clientId) => kafkaLog({ brokers: [bench.cluster.env['KAFKA_BROKERS'] as string], clientId, sendTimeoutMs: 120_000 })) as [LogPort, LogPort];
  try {
    return await onCluster(bench, { honest, hostile }, options);
  } finally {
    await Promise.all([honest.close(), hostile.close()]);
    await bench.cluster.close();
  }
}

async function onCluster(bench: BenchCluster, logs: { readonly honest: LogPort; readonly hostile: LogPort }, options: HostileOptions): Promise<HostileReport> {
  const { cluster } = bench;
  const { say, seed } = options;
  const sender = new ClaimSender(cluster);
  const book = new Book();
  const traffic = new HonestTraffic({ cluster, log: logs.honest, sender, book });
  const ownFields = submissionFields('initech', `own-${seed}`, honestWorkflow.name);
  const ownJob = await traffic.submit('initech', `own-${seed}`, honestWorkflow.name, 'intruder');
  const own = { key: Buffer.from(ownJob.job), fields: ownFields, value: sender.signed('JobSubmitted', { ...ownFields, atMs: ownJob.atMs }, { principal: 'intruder' }) };
  const adversary = new Adversary({ cluster, log: logs.hostile, sender, book, seed, own });
  await adversary.follow();
  traffic.start(options.honestPerSecond, () => adversary.openJobs > baitsOpen + judgedOpen + overloadedSeconds * options.honestPerSecond);
  const traps = keepTraps(traffic, adversary);
  // Warm: the first hundreds of jobs run in code that is not compiled yet.
  traffic.phase = -1;
  await sleep(options.calmMs);
  const strikingMs = await phases(options, { traffic, adversary, book });
  await adversary.sendTheRest(30_000);
  await traffic.stop();
  await traps.stop();
  say('coming to rest');
  await settle(bench, adversary, traffic);
  await adversary.leave();
  const accounted = await account(cluster, book, kinds);
  say('verifying');
  const verify = await verifyWithCommand(cluster);
  const acting = await viewsThatAct(bench, [ownJob.job, ...traps.first]);
  return reportOf(options, { accounted, verify, acting, book, strikingMs, heldBack: traffic.heldBack });
}

/** Calm and hostile phases in turn; resolves with how long the adversary was at it. */
async function phases(options: HostileOptions, { traffic, adversary, book }: { readonly traffic: HonestTraffic; readonly adversary: Adversary; readonly book: Book }): Promise<number> {
  let strikingMs = 0;
  for (let strike = 0; strike < options.strikes; strike += 1) {
    traffic.phase = 2 * strike;
    await sleep(options.calmMs);
    traffic.phase = 2 * strike + 1;
    const startedMs = performance.now();
    let saidMs = startedMs;
    const count = Math.floor((options.records * (strike + 1)) / options.strikes) - Math.floor((options.records * strike) / options.strikes);
    await adversary.strike(count, options.ratePerSecond, () => {
      if (performance.now() - saidMs < 5_000) return;
      saidMs = performance.now();
      options.say(`strike ${strike + 1} of ${options.strikes}: ${book.records} hostile records sent, ${book.honest.size} honest jobs submitted`);
    });
    strikingMs += performance.now() - startedMs;
    // What the adversary left behind is still being refused: that belongs to no phase.
    traffic.phase = -1;
    await sleep(1_000);
  }
  traffic.phase = 2 * options.strikes;
  await sleep(options.calmMs);
  return strikingMs;
}

/** Keeps so many traps open as the adversary wants to answer. */
function keepTraps(traffic: HonestTraffic, adversary: Adversary): { readonly first: readonly string[]; stop(): Promise<void> } {
  let isOver = false;
  let made = 0;
  const first: string[] = [];
  const open = new Map<string, { readonly workflow: string; readonly sinceMs: number }>();
  const run = async (): Promise<void> => {
    while (!isOver) {
      for (const [job, { sinceMs }] of open) if (Date.now() - sinceMs > 5_000 && !adversary.traps.has(job)) open.delete(job);
      for (const [workflow, wanted] of [[baitWorkflow.name, baitsOpen], [judgedWorkflow.name, judgedOpen]] as const) {
        const missing = wanted - [...open.values()].filter((trap) => trap.workflow === workflow).length;
        for (let index = 0; index < missing; index += 1) {
          const { job } = await traffic.submit('acme', `trap-${made += 1}`, workflow);
          open.set(job, { workflow, sinceMs: Date.now() });
          if (index === 0 && first.length < 2) first.push(job);
        }
      }
      await sleep(100);
    }
  };
  const running = run();
  return { first, stop: async () => {
    isOver = true;
    await running;
  } };
}

/** Ends the traps, and waits until every claim is decided, every job has ended and every fact has its row. */
async function settle({ cluster }: BenchCluster, adversary: Adversary, traffic: HonestTraffic): Promise<void> {
  for (const job of adversary.traps) await traffic.cancel(job, 'acme').catch(() => undefined);
  await atRest(cluster);
  // A tick or a take-over may come at any time while its process runs: what is verified must stand still.
  const orchestrator = cluster.processes.find(({ service }) => service === 'orchestrator');
  if (orchestrator !== undefined) {
    const exited = once(orchestrator.child, 'exit');
    orchestrator.child.kill('SIGTERM');
    await exited;
  }
  await atRest(cluster);
}

async function atRest(cluster: BenchCluster['cluster']): Promise<void> {
  const until = Date.now() + settleTimeoutMs;
  for (;;) {
    const [ends, rows, jobs] = await Promise.all([
      cluster.log.ranges(cluster.topics.verified),
      cluster.db.query<{ partition: number; next: number }>('SELECT partition, next_offset::int AS next FROM watermarks'),
      cluster.db.query<{ open: number }>("SELECT count(*)::int AS open FROM jobs WHERE state = 'open'"),
    ]);
    const lag = ends.reduce((sum, { partition, next }) => sum + next - (rows.find((row) => row.partition === partition)?.next ?? 0), 0);
    if (lag === 0 && jobs[0]?.open === 0) return;
    if (Date.now() > until) throw new Error(`not at rest after ${settleTimeoutMs / 1000} s: ${jobs[0]?.open ?? 0} open jobs, ${lag} facts without a row; logs are in ${cluster.folder}`);
    await sleep(300);
  }
}

interface Found {
  readonly accounted: Account;
  readonly verify: VerifyReport;
  readonly acting: readonly string[];
  readonly book: Book;
  readonly strikingMs: number;
  readonly heldBack: number;
}

function reportOf({ say: _say, ...options }: HostileOptions, { accounted, verify, acting, book, strikingMs, heldBack }: Found): HostileReport {
  const { latenciesMs, ...rest } = accounted;
  const phases = Array.from({ length: 2 * options.strikes + 1 }, (_, phase): PhaseFigures => {
    const tookMs = latenciesMs.get(phase) ?? [];
    return { isHostile: phase % 2 === 1, jobs: tookMs.length, p50Ms: percentile(tookMs, 0.5) ?? 0, p99Ms: percentile(tookMs, 0.99) ?? 0 };
  });
  const unsentKinds = accounted.rows.filter(({ sent }) => sent === 0).map(({ kind }) => kind);
  const failed = verify.rows.filter(({ result }) => result === 'FAIL').map(({ invariant, count, findings }) => `${invariant}: ${count}: ${findings[0]?.what ?? ''}`);
  return {
    ok: accounted.problemCount === 0 && verify.ok && acting.length === 0 && unsentKinds.length === 0 && book.unknown === 0,
    options, account: rest, phases, p99Ratio: ratio(phases, 'p99Ms'), p50Ratio: ratio(phases, 'p50Ms'), achievedPerSecond: Math.round((book.records * 1000) / strikingMs),
    unsentKinds, unknownAppends: book.unknown, heldBack, verify: { ok: verify.ok, figures: verify.figures, failed }, viewsThatAct: acting,
  };
}

/** Median over the strikes of a figure against the mean of the calm phases before and after. */
function ratio(phases: readonly PhaseFigures[], figure: 'p50Ms' | 'p99Ms'): number {
  const ratios = phases.flatMap((phase, index) => {
    const [before, after] = [phases[index - 1], phases[index + 1]];
    return phase.isHostile && before !== undefined && after !== undefined ? [phase[figure] / ((before[figure] + after[figure]) / 2)] : [];
  }).sort((a, b) => a - b);
  return ratios.length === 0 ? Number.NaN : ((ratios[Math.floor((ratios.length - 1) / 2)] as number) + (ratios[Math.ceil((ratios.length - 1) / 2)] as number)) / 2;
}
