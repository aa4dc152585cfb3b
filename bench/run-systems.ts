// Runs W3 on every system, interleaved: each repetition gives each system its turn on the same machine, so that what
// the machine does to one of them it does to all. A turn starts the system, warms it up, measures it and its modes, and
// stops it: nothing but the servers that are shared runs beside it.

import { memoryLoads } from './limits/memory-loads.js';
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
  readonly steadySeconds: number;
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
  /** The raw hop and loads from memory, taken anew in each repetition. */
  readonly limits: readonly Figures[];
}

interface Seat {
  readonly choice: SystemChoice;
  readonly result: Mutable;
  /** Other ways to run the same processes. */
  readonly modes: readonly Seat[];
}

interface Run {
  readonly servers: Servers;
  readonly sizes: Sizes;
  readonly stages: Record<string, Figures>;
  readonly say: Say;
}

/** A system that fails keeps what it has, with the reason, and gets no further turn. */
export async function runSystems(choices: readonly SystemChoice[], { servers, raw }: { readonly servers: Servers; readonly raw: RawKafka }, sizes: Sizes, say: Say): Promise<Measured> {
  const results = new Map(choices.map((choice): [SystemChoice, Mutable] => [choice, { name: choice.name, about: [], unfair: choice.unfair ?? '', latency: [], factLatency: [], throughput: [], factThroughput: [], slowSteps: [], missing: '' }]));
  const seatOf = (choice: SystemChoice, modes: readonly Seat[]): Seat => ({ choice, modes, result: results.get(choice) as Mutable });
  const isModeOfAnother = ({ modeOf }: SystemChoice): boolean => choices.some(({ name }) => name === modeOf?.system);
  const seats = choices.filter((choice) => !isModeOfAnother(choice)).map((choice) => seatOf(choice, choices.filter(({ modeOf }) => modeOf?.system === choice.name).map((mode) => seatOf(mode, []))));
  const limits: Figures[] = [];
  const run: Run = { servers, sizes, say, stages: {} };
  // Brokers run for months: that of the first turn must not be one that has just been started.
  await raw.hops(sizes.warmUpJobs);
  for (let repetition = 1; repetition <= sizes.repetitions; repetition += 1) {
    limits.push({ ...await raw.hops(sizes.latencyJobs * 2), ...memoryLoads() });
    const turn = { ...run, say: (line: string) => say(`${repetition}/${sizes.repetitions} ${line}`) };
    for (const seat of seats) {
      const isLast = repetition === sizes.repetitions;
      if (seat.result.missing === '' && measuresOf(seat, isLast).length > 0) await oneTurn(seat, turn, isLast);
    }
  }
  return { systems: [...results.values()], limits, stages: run.stages };
}

function measuresOf({ choice: { measures, onceMeasures = [] } }: Seat, isLast: boolean): readonly Measure[] {
  return isLast ? [...measures, ...onceMeasures] : measures;
}

async function oneTurn(seat: Seat, run: Run, isLast: boolean): Promise<void> {
  const { choice, result, modes } = seat;
  let driver: Driver | null = null;
  await attempt(seat, run.say, async () => {
    const started = await Driver.start(choice.name, choice.program, await setupOf(choice, run.servers));
    driver = started.driver;
    result.about = [...started.about];
    await measureAll(seat, started.driver, run, { warmUpShare: Math.min(1, 2 * choice.share), measures: measuresOf(seat, isLast) });
    for (const mode of modes) await attempt(mode, run.say, () => measureAll(mode, started.driver, run, { warmUpShare: mode.choice.modeOf?.isNew === true ? 1 : 0.2, measures: measuresOf(mode, isLast) }));
    for (const stage of isLast ? choice.stages ?? [] : []) await attempt(seat, run.say, () => measureStage(stage, started.driver, run));
  });
  await (driver as Driver | null)?.stop();
}

/** @param warmUpShare of the jobs that warm a system up. */
async function measureAll(seat: Seat, driver: Driver, { servers, sizes, say }: Run, { warmUpShare, measures }: { readonly warmUpShare: number; readonly measures: readonly Measure[] }): Promise<void> {
  const { choice } = seat;
  const mode = choice.modeOf?.mode;
  if (mode !== undefined) await driver.measure({ measure: 'mode', mode, isOn: true }, deadlineMs);
  try {
    await driver.measure({ measure: 'warm-up', jobs: Math.ceil(sizes.warmUpJobs * warmUpShare), inFlight: Math.min(64, choice.inFlight) }, deadlineMs);
    await servers.analyze();
    for (const measure of measures) {
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

async function measureStage(stage: string, driver: Driver, { sizes, say, stages }: Run): Promise<void> {
  say(`stage ${stage}`);
  stages[stage] = await driver.measure(stage === 'steady' ? { measure: 'steady', jobsPerS: sizes.steadyJobsPerS, seconds: sizes.steadySeconds } : { measure: 'stage', stage }, deadlineMs);
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

async function attempt({ choice, result }: Seat, say: Say, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    result.missing = ((error as Error).message.split(/\n\s+at /)[0] ?? '').replaceAll(/\s+/g, ' ').replace(' Error: ', ' ').slice(0, 300);
    say(`${choice.name}: ${result.missing}`);
  }
}
