// Runs W3 on every system, interleaved: each repetition gives each system its turn on the same machine, so that what
// the machine does to one of them it does to all. All are started first; an idle one costs next to nothing.

import type { LocalBroker } from '../infra/local/broker.js';
import type { LocalPostgres } from '../infra/local/postgres.js';
import { Driver } from './driver.js';
import type { SystemChoice } from './systems.js';
import type { Figures, Measurement } from './w3/measure.js';

export interface Servers {
  readonly broker: LocalBroker;
  readonly registryUrl: string;
  readonly postgres: LocalPostgres;
}

export interface Sizes {
  readonly repetitions: number;
  /** Of a throughput run with share 1. */
  readonly jobs: number;
  readonly warmUpJobs: number;
  readonly latencyJobs: number;
  readonly slowJobs: number;
  /** Rate at which the projection's lag is measured. */
  readonly steadyJobsPerS: number;
}

export interface SystemResult {
  readonly name: string;
  readonly about: readonly string[];
  readonly unfair: string;
  /** One entry per repetition. */
  readonly latency: readonly Figures[];
  readonly factLatency: readonly Figures[];
  readonly throughput: readonly Figures[];
  readonly slowSteps: readonly Figures[];
  /** Why it has no (or fewer) figures; empty when it has. */
  readonly missing: string;
}

type Mutable = { -readonly [K in keyof SystemResult]: SystemResult[K] extends readonly (infer T)[] ? T[] : SystemResult[K] };

const deadlineMs = 240_000;

export interface Measured {
  readonly systems: readonly SystemResult[];
  readonly stages: Readonly<Record<string, Figures>>;
}

/** @param say a line of progress. A system that fails keeps what it has, with the reason. */
export async function runSystems(choices: readonly SystemChoice[], servers: Servers, sizes: Sizes, say: (line: string) => void): Promise<Measured> {
  const stages: Record<string, Figures> = {};
  const results = choices.map((choice): Mutable => ({ name: choice.name, about: [], unfair: choice.unfair ?? '', latency: [], factLatency: [], throughput: [], slowSteps: [], missing: '' }));
  const drivers = new Map<Mutable, Driver>();
  try {
    for (const [index, choice] of choices.entries()) {
      const result = results[index] as Mutable;
      await attempt(result, drivers, say, async () => {
        say(`starting ${choice.name}`);
        const { driver, about } = await Driver.start(choice.name, choice.program, await setupOf(choice, servers));
        drivers.set(result, driver);
        result.about.push(...about);
        await driver.measure({ measure: 'warm-up', jobs: Math.max(50, Math.round(sizes.warmUpJobs * choice.share)), inFlight: 16 }, deadlineMs);
      });
    }
    for (let repetition = 1; repetition <= sizes.repetitions; repetition += 1) {
      for (const [index, choice] of choices.entries()) {
        const result = results[index] as Mutable;
        const driver = drivers.get(result);
        if (driver !== undefined) await attempt(result, drivers, say, () => oneTurn(driver, choice, sizes, result, (line) => say(`${repetition}/${sizes.repetitions} ${line}`)));
      }
    }
    for (const [index, { stages: wanted = [] }] of choices.entries()) {
      const result = results[index] as Mutable;
      const driver = drivers.get(result);
      if (driver === undefined) continue;
      for (const stage of wanted) {
        await attempt(result, drivers, say, async () => {
          say(`stage ${stage}`);
          stages[stage] = await driver.measure(stage === 'steady' ? { measure: 'steady', jobsPerS: sizes.steadyJobsPerS, seconds: 8 } : { measure: 'stage', stage }, deadlineMs);
        });
      }
    }
  } finally {
    await Promise.all([...drivers.values()].map((driver) => driver.stop()));
  }
  return { systems: results, stages };
}

async function oneTurn(driver: Driver, choice: SystemChoice, sizes: Sizes, result: Mutable, say: (line: string) => void): Promise<void> {
  const run = async (what: Measurement, figures: Figures[], show: (figures: Figures) => string): Promise<void> => {
    const measured = await driver.measure(what, deadlineMs);
    figures.push(measured);
    say(`${choice.name.padEnd(20)} ${show(measured)}${(measured['othersShare'] ?? 0) > 0.1 ? `   (others used ${Math.round(100 * (measured['othersShare'] ?? 0))} % of the machine)` : ''}`);
  };
  const ms = (value: number | undefined): string => (value ?? Number.NaN).toFixed(1);
  if (choice.measures.includes('latency')) await run({ measure: 'latency', jobs: sizes.latencyJobs, to: 'outcome' }, result.latency, (found) => `one at a time: p50 ${ms(found['p50Ms'])} ms, p99 ${ms(found['p99Ms'])} ms`);
  if (choice.measures.includes('fact-latency')) await run({ measure: 'latency', jobs: sizes.latencyJobs, to: 'fact' }, result.factLatency, (found) => `to the terminal fact: p50 ${ms(found['p50Ms'])} ms`);
  if (choice.measures.includes('throughput')) await run({ measure: 'throughput', jobs: Math.round(sizes.jobs * choice.share), inFlight: choice.inFlight }, result.throughput, (found) => `${choice.inFlight} in flight: ${Math.round(found['jobsPerS'] ?? 0)} jobs/s, ${(found['cpuPer1000'] ?? 0).toFixed(2)} CPU s per 1,000`);
  if (choice.measures.includes('slow-steps')) await run({ measure: 'slow-steps', jobs: sizes.slowJobs }, result.slowSteps, (found) => `${sizes.slowJobs} jobs with a 500 ms step: ${(found['seconds'] ?? 0).toFixed(2)} s`);
}

async function attempt(result: Mutable, drivers: Map<Mutable, Driver>, say: (line: string) => void, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    result.missing = (error as Error).message.split('\n')[0] ?? '';
    say(`${result.name}: ${result.missing}`);
    await drivers.get(result)?.stop();
    drivers.delete(result);
  }
}

async function setupOf(choice: SystemChoice, { broker, postgres, registryUrl }: Servers): Promise<object> {
  const pids = { kafka: broker.pid, postgres: postgres.pid };
  const database = choice.database === undefined ? {} : { postgresUrl: await postgres.createDatabase(choice.database) };
  return {
    ...choice.setup, ...database, servers: Object.fromEntries(choice.servers.map((name) => [name, pids[name]])),
    addresses: { bootstrap: broker.bootstrap, registryUrl, postgresUrl: postgres.url },
  };
}
