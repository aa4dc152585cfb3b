// What a run has shown, as data: made from the journal, the follower, the client's history, the agents' own record of
// runs, the services' logs and the report of `blackboard verify`.

import { readFileSync, readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { JobSubmitted } from '../../../schemas/generated/events.js';
import type { VerifyReport } from '../../verify/verify-log.js';
import type { Run } from './agents/runs-file.js';
import { checkClaims } from './check-claims.js';
import { checkHistory, type HistoryReport } from './check-history.js';
import { checkRuns, type RunsReport } from './check-runs.js';
import type { CommitSampler } from './commit-sampler.js';
import { seenIn, type Fault } from './faults/fault.js';
import { replicas, type Kind } from './fleet.js';
import { percentile, recoveries } from './recovery.js';
import type { Struck } from './storms.js';
import type { World } from './world.js';

export interface FaultRow {
  readonly name: string;
  readonly number: string;
  readonly does: string;
  readonly outcome: string;
  readonly struck: number;
  readonly effects: number;
  readonly shows: string;
}

export interface RecoveryRow {
  readonly kind: Kind | 'all';
  readonly kills: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  /** Of kills during which no server was away and no other member came or went. */
  readonly aloneP50Ms: number | null;
  readonly aloneP99Ms: number | null;
}

export interface ChaosReport {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly seed: number;
  readonly kafkaVersion: string;
  readonly storms: number;
  readonly elapsedMs: { readonly start: number; readonly run: number };
  readonly load: readonly number[];
  readonly faults: readonly FaultRow[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null };
  readonly recovery: readonly RecoveryRow[];
  readonly history: Omit<HistoryReport, 'problems'>;
  readonly runs: RunsReport;
  readonly claims: { readonly sent: number; readonly decisions: Readonly<Record<string, Readonly<Record<string, number>>>> };
  readonly exits: Readonly<Record<string, number>>;
  readonly exitsByItself: readonly string[];
  readonly errors: Readonly<Record<string, number>>;
  readonly facts: number;
  readonly stale: number;
  readonly epochs: number;
  readonly verify: VerifyReport;
}

export interface ReportParts {
  readonly world: World;
  readonly commits: CommitSampler;
  readonly struck: Struck;
  readonly verified: VerifyReport;
  readonly faults: readonly Fault[];
  readonly elapsedMs: ChaosReport['elapsedMs'];
}

const graceMs = 3_000;

export async function makeReport({ world, commits, struck, verified, faults, elapsedMs }: ReportParts): Promise<ChaosReport> {
  const { follower, fleet, journal, load, options } = world;
  const jobs = [...follower.jobs.values()];
  const history = checkHistory(load.history, jobs, await submissionsOf(world));
  const claims = checkClaims(world.claims.sent, follower.decided);
  const runs = checkRuns(readRuns(world.runsDir), (agent, fromMs, untilMs) => journal.touched(agent as Kind, fromMs, untilMs), graceMs + options.sessionTimeoutMs);
  const logs = readLogs(world.cluster.folder);
  const seen = seenIn(world);
  const rows = faults.map((fault): FaultRow => ({
    name: fault.name, number: fault.number, does: fault.does, outcome: fault.outcome, shows: fault.shows, struck: struck.times.get(fault.name) ?? 0, effects: fault.effects(seen),
  }));
  const { problems: historyProblems, ...historyFigures } = history;
  const problems = [
    ...verified.rows.filter(({ result }) => result === 'FAIL').map(({ invariant, findings, count }) => `${invariant}: ${count} findings, the first: ${findings[0]?.what ?? ''} ${findings[0]?.records.join(', ') ?? ''}`),
    ...historyProblems.map((problem) => `I2: ${problem}`), ...claims.problems,
    ...runs.unexcused.map((run) => `ran twice without an excuse: ${run}`),
    ...rows.filter((row) => row.struck === 0 || row.effects === 0).map(({ name, struck: times }) => `the fault "${name}" struck ${times} times and had no effect that was seen`),
    ...jobs.filter(({ outcome }) => outcome !== 'completed').map(({ key, outcome, reason }) => `${key} is ${outcome === '' ? 'open' : outcome} (${reason})`),
  ];
  return {
    ok: problems.length === 0, problems, seed: options.seed, kafkaVersion: options.kafkaVersion ?? 'pinned', storms: struck.storms, elapsedMs, load: loadavg(), faults: rows,
    outcomes: tally(jobs.map(({ outcome }) => (outcome === '' ? 'open' : outcome))),
    latencyMs: percentiles(jobs.filter(({ terminals }) => terminals > 0).map(({ acceptedAtMs, endedAtMs }) => endedAtMs - acceptedAtMs)),
    recovery: recoveryRows(world, commits), history: historyFigures, runs,
    claims: { sent: claims.sent, decisions: Object.fromEntries([...claims.decisions].map(([fault, of]) => [fault, Object.fromEntries(of)])) },
    exits: tally(fleet.exits.map(({ by }) => by)),
    exitsByItself: fleet.exits.filter(({ by }) => by === 'itself' || by === 'start').map(({ kind, index, by, code, said }) => `${kind} ${index}, ${by === 'start' ? 'before it ran' : 'while it ran'}${code === '' ? '' : `, ${code}`}: ${said}`),
    errors: tally(logs.filter(({ level }) => level === 'error' || level === 'fatal').map(({ service, level, msg, code }) => `${service} ${level}: ${msg}${code === '' ? '' : ` (${code})`}`)),
    facts: follower.facts, stale: follower.stale, epochs: follower.ownerships.length, verify: verified,
  };
}

function recoveryRows({ journal, follower, fleet, load }: World, commits: CommitSampler): readonly RecoveryRow[] {
  const all = recoveries({ kills: journal.kills, ownerships: follower.ownerships, accepted: follower.acceptedAtMs, jobs: follower.jobs.values(), history: load.history, ups: fleet.ups, committedAtMs: commits.committedAtMs });
  const disturbing: ReadonlySet<string> = new Set(['broker', 'postgres', 'zombie', 'burst', 'log-replies', 'commit-replies', 'registry']);
  const isAlone = (kind: Kind, fromMs: number, untilMs: number): boolean => !journal.incidents.some((incident) => disturbing.has(incident.fault) && incident.atMs <= untilMs && incident.untilMs >= fromMs - graceMs
    && (incident.touches.includes('all') || incident.touches.includes(kind) || incident.touches.includes('orchestrator')));
  return (['all', ...Object.keys(replicas)] as const).map((name): RecoveryRow => {
    const ofKind = all.filter(({ kind }) => name === 'all' || kind === name);
    const measured = ofKind.flatMap(({ kind, atMs, tookMs }) => (tookMs === null ? [] : [{ tookMs, alone: isAlone(kind, atMs, atMs + tookMs) }]));
    const { p50, p99 } = percentiles(measured.map(({ tookMs }) => tookMs));
    const alone = percentiles(measured.filter((each) => each.alone).map(({ tookMs }) => tookMs));
    return { kind: name as Kind | 'all', kills: ofKind.length, p50Ms: p50, p99Ms: p99, maxMs: percentile(measured.map(({ tookMs }) => tookMs), 1), aloneP50Ms: alone.p50, aloneP99Ms: alone.p99 };
  });
}

const percentiles = (values: readonly number[]): { readonly p50: number | null; readonly p99: number | null } => ({ p50: percentile(values, 0.5), p99: percentile(values, 0.99) });

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Where submissions of ingress are in quarantine, by place. */
async function submissionsOf({ cluster }: World): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { partition, next } of await cluster.log.ranges(cluster.topics.quarantine)) {
    for await (const batch of cluster.log.read({ topic: cluster.topics.quarantine, partition, from: 0, until: next })) {
      for (const record of batch) {
        if (cluster.codec.peek(record.value)?.type !== 'JobSubmitted') continue;
        const decoded = cluster.codec.decode(record.value);
        // A forged submission is signed by somebody else.
        if (decoded.ok && (decoded.event as JobSubmitted).signer.startsWith('ingress#')) found.set(`${partition}/${record.offset}`, (decoded.event as JobSubmitted).idempotencyKey);
      }
    }
  }
  return found;
}

function readRuns(folder: string): readonly Run[] {
  return readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Run));
}

interface Line {
  readonly service: string;
  readonly level: string;
  readonly msg: string;
  readonly code: string;
}

function readLogs(folder: string): readonly Line[] {
  return readdirSync(folder).filter((name) => name.endsWith('.log')).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n')).flatMap((line): Line[] => {
    if (!line.startsWith('{') || !line.endsWith('}')) return [];
    try {
      const { service, level, msg, err, error } = JSON.parse(line) as { service: string; level: string; msg?: string; err?: { code?: string }; error?: { code?: string } };
      return [{ service, level, msg: msg ?? '', code: err?.code ?? error?.code ?? '' }];
    } catch {
      return []; // the last line of a process that was killed while it wrote
    }
  });
}
