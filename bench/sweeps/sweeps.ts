// How the runtime's figures grow: with partitions, with replicas of the agents' process, with the length of the log.

import { Driver } from '../driver.js';
import { setupOf, type Servers } from '../servers.js';
import type { SystemChoice } from '../systems.js';
import type { Figures } from '../w3/measure.js';

export interface SweepPoint { readonly at: number; readonly figures: Figures }

export interface Sweep {
  readonly name: 'partitions' | 'agents' | 'log-length';
  readonly what: string;
  readonly points: readonly SweepPoint[];
}

export interface SweepSizes {
  readonly jobs: number;
  readonly warmUpJobs: number;
  readonly latencyJobs: number;
  /** Partitions, and replicas of agents, that are tried. */
  readonly widths: readonly number[];
  /** Rounds of `jobs` after which the growing log is looked at. */
  readonly rounds: number;
}

interface Parts {
  readonly choice: SystemChoice;
  readonly servers: Servers;
  readonly sizes: SweepSizes;
  readonly say: (line: string) => void;
}

const deadlineMs = 240_000;

/** @param parts `choice`: the runtime in Kafka mode, whose set-up is varied. */
export async function runSweeps(parts: Parts): Promise<readonly Sweep[]> {
  const most = Math.max(...parts.sizes.widths);
  const over = async (widths: readonly number[], setup: (width: number) => object, what: string): Promise<SweepPoint[]> => {
    const points: SweepPoint[] = [];
    for (const at of widths) points.push({ at, figures: await withDriver(parts, `${at} ${what}`, setup(at), (driver) => round(driver, parts.sizes)) });
    return points;
  };
  const byPartitions = await over(parts.sizes.widths, (partitions) => ({ partitions }), 'partitions');
  // One agent process on most partitions was just measured.
  const oneAgent = byPartitions.filter(({ at }) => at === most).map(({ figures }) => ({ at: 1, figures }));
  const more = await over(parts.sizes.widths.filter((width) => width > 1), (agents) => ({ agents, partitions: most }), 'agent processes');
  return [
    { name: 'partitions', what: 'partitions of each topic, one agent process', points: byPartitions },
    { name: 'agents', what: `replicas of the agents' process, ${most} partitions`, points: [...oneAgent, ...more] },
    { name: 'log-length', what: 'facts on the log, 4 partitions', points: await withDriver(parts, 'a growing log', {}, (driver) => growing(driver, parts)) },
  ];
}

async function withDriver<T>({ choice, servers, sizes, say }: Parts, what: string, setup: object, work: (driver: Driver) => Promise<T>): Promise<T> {
  say(`sweep: ${what}`);
  const { driver } = await Driver.start(`sweep (${what})`, choice.program, { ...await setupOf(choice, servers), ...setup });
  try {
    await driver.measure({ measure: 'warm-up', jobs: sizes.warmUpJobs, inFlight: 64 }, deadlineMs);
    await servers.analyze();
    return await work(driver);
  } finally {
    await driver.stop();
  }
}

async function round(driver: Driver, sizes: SweepSizes): Promise<Figures> {
  const { p50Ms = Number.NaN } = await driver.measure({ measure: 'latency', jobs: sizes.latencyJobs, to: 'outcome' }, deadlineMs);
  return { ...await driver.measure({ measure: 'throughput', jobs: sizes.jobs, inFlight: 256 }, deadlineMs), lightP50Ms: p50Ms };
}

async function growing(driver: Driver, { sizes }: Parts): Promise<SweepPoint[]> {
  const points: SweepPoint[] = [];
  for (let turn = 1; turn <= sizes.rounds; turn += 1) {
    const figures = await round(driver, sizes);
    const { facts = 0, foldedPerS = Number.NaN } = await driver.measure({ measure: 'stage', stage: 'fold' }, deadlineMs);
    points.push({ at: facts, figures: { ...figures, foldedPerS, foldSeconds: facts / foldedPerS } });
  }
  return points;
}
