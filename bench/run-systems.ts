// Runs W3 on every system, interleaved: each repetition gives each system its turn on the same machine, so that what
// the machine does to one of them it does to all. All are started first; an idle one costs next to nothing.

import type { RawKafka } from './limits/raw-kafka.js';
import { Driver } from './driver.js';
import { setupOf, type Servers } from './servers.js';
import type { Measure, SystemChoice } from './systems.js';
import type { Figures, Measurement } from './w3/measure.js';

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
  readonly factThroughput: readonly Figures[];
  readonly slowSteps: readonly Figures[];
  /** Why it has no (or fewer) figures; empty when it has. */
  readonly missing: string;
}

type Mutable = { -readonly [K in keyof SystemResult]: SystemResult[K] extends readonly (infer T)[] ? T[] : SystemResult[K] };

/** Receives one line of progress. */
type Say = (line: string) => void;

const deadlineMs = 240_000;

export interface Measured {
  readonly systems: readonly SystemResult[];
  readonly stages: Readonly<Record<string, Figures>>;
  /** The raw hop, taken anew in each repetition. */
  readonly hops: readonly Figures[];
}

interface Seat {
  readonly choice: SystemChoice;
  readonly result: Mutable;
  driver: Driver | null;
  /** Whose driver it is; a mode uses that of the system it is a mode of. */
  isOwner: boolean;
}

/** A system that fails keeps what it has, with the reason. */
export async function runSystems(choices: readonly SystemChoice[], { servers, raw }: { readonly servers: Servers; readonly raw: RawKafka }, sizes: Sizes, say: Say): Promise<Measured> {
  const seats = choices.map((choice): Seat => ({ choice, driver: null, isOwner: true, result: { name: choice.name, about: [], unfair: choice.unfair ?? '', latency: [], factLatency: [], throughput: [], factThroughput: [], slowSteps: [], missing: '' } }));
  const hops: Figures[] = [];
  try {
    for (const seat of seats) await attempt(seat, say, () => start(seat, seats, { servers, sizes, say }));
    for (let repetition = 1; repetition <= sizes.repetitions; repetition += 1) {
      hops.push(await raw.hops(sizes.latencyJobs * 2));
      for (const seat of seats) await attempt(seat, say, () => oneTurn(seat, sizes, (line) => say(`${repetition}/${sizes.repetitions} ${line}`)));
    }
    return { systems: seats.map(({ result }) => result), hops, stages: await runStages(seats, sizes, say) };
  } finally {
    await Promise.all(seats.filter(({ isOwner }) => isOwner).map(({ driver }) => driver?.stop()));
  }
}

async function start(seat: Seat, seats: readonly Seat[], { servers, sizes, say }: { readonly servers: Servers; readonly sizes: Sizes; readonly say: Say }): Promise<void> {
  const { choice, result } = seat;
  const same = seats.find((other) => other.choice.name === choice.modeOf?.system);
  if (same !== undefined) {
    if (same.driver === null) throw new Error(`${same.choice.name} does not run`);
    Object.assign(seat, { driver: same.driver, isOwner: false });
    return;
  }
  say(`starting ${choice.name}`);
  const { driver, about } = await Driver.start(choice.name, choice.program, await setupOf(choice, servers));
  seat.driver = driver;
  result.about.push(...about);
  await driver.measure({ measure: 'warm-up', jobs: Math.max(50, Math.round(sizes.warmUpJobs * choice.share)), inFlight: 16 }, deadlineMs);
}

interface Turn {
  readonly what: Measurement;
  readonly figures: Figures[];
  readonly shown: (figures: Figures) => string;
}

function turnOf(measure: Measure, { choice, result }: Seat, sizes: Sizes): Turn {
  const { inFlight } = choice;
  const jobs = Math.round(sizes.jobs * choice.share);
  const ms = (value: number | undefined): string => (value ?? Number.NaN).toFixed(1);
  switch (measure) {
    case 'latency': return { what: { measure, jobs: sizes.latencyJobs, to: 'outcome' }, figures: result.latency, shown: (found) => `one at a time: p50 ${ms(found['p50Ms'])} ms, p99 ${ms(found['p99Ms'])} ms` };
    case 'fact-latency': return { what: { measure: 'latency', jobs: sizes.latencyJobs, to: 'fact' }, figures: result.factLatency, shown: (found) => `to the terminal fact: p50 ${ms(found['p50Ms'])} ms` };
    case 'throughput': return { what: { measure, jobs, inFlight, to: 'outcome' }, figures: result.throughput, shown: (found) => `${inFlight} in flight: ${Math.round(found['jobsPerS'] ?? 0)} jobs/s, ${(found['cpuPer1000'] ?? 0).toFixed(2)} CPU s per 1,000` };
    case 'fact-throughput': return { what: { measure: 'throughput', jobs, inFlight, to: 'fact' }, figures: result.factThroughput, shown: (found) => `${inFlight} in flight, to the terminal fact: ${Math.round(found['jobsPerS'] ?? 0)} jobs/s` };
    case 'slow-steps': return { what: { measure, jobs: sizes.slowJobs }, figures: result.slowSteps, shown: (found) => `${sizes.slowJobs} jobs with a 500 ms step: ${(found['seconds'] ?? 0).toFixed(2)} s` };
  }
}

async function oneTurn(seat: Seat, sizes: Sizes, say: Say): Promise<void> {
  const { driver, choice } = seat;
  if (driver === null) return;
  const mode = choice.modeOf?.mode;
  if (mode !== undefined) await driver.measure({ measure: 'mode', mode, isOn: true }, deadlineMs);
  try {
    for (const measure of choice.measures) {
      const { what, figures, shown } = turnOf(measure, seat, sizes);
      const found = await driver.measure(what, deadlineMs);
      figures.push(found);
      const others = found['othersShare'] ?? 0;
      say(`${choice.name.padEnd(22)} ${shown(found)}${others > 0.1 ? `   (others used ${Math.round(100 * others)} % of the machine)` : ''}`);
    }
  } finally {
    if (mode !== undefined) await driver.measure({ measure: 'mode', mode, isOn: false }, deadlineMs);
  }
}

async function runStages(seats: readonly Seat[], sizes: Sizes, say: Say): Promise<Measured['stages']> {
  const stages: Record<string, Figures> = {};
  for (const seat of seats) {
    for (const stage of seat.choice.stages ?? []) {
      await attempt(seat, say, async () => {
        if (seat.driver === null) return;
        say(`stage ${stage}`);
        stages[stage] = await seat.driver.measure(stage === 'steady' ? { measure: 'steady', jobsPerS: sizes.steadyJobsPerS, seconds: 8 } : { measure: 'stage', stage }, deadlineMs);
      });
    }
  }
  return stages;
}

async function attempt(seat: Seat, say: Say, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    seat.result.missing = (error as Error).message.split('\n')[0] ?? '';
    say(`${seat.choice.name}: ${seat.result.missing}`);
    if (seat.isOwner) await seat.driver?.stop();
    seat.driver = null;
  }
}
