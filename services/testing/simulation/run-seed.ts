// One run: storm; heal and converge within a bound of virtual time; then fold and project again and check everything.
// The same seed gives the same history, byte for byte.

import { createHash } from 'node:crypto';
import { codec, topics } from './blackboard-of-seed.js';
import { builtInScenario } from './built-in-scenario.js';
import { checkRun } from './check-run.js';
import { firstDifference } from './first-difference.js';
import { faultsMin } from './fault-kinds.js';
import { mischief } from './hostile.js';
import { effectsOf, watchRejections } from './run-effects.js';
import type { Scenario } from './scenario.js';
import { heal, storm } from './storm.js';
import { scheduleSubmissions, type SubmissionParts } from './submissions.js';
import { installVirtualGlobals } from './virtual-globals.js';
import { World } from './world.js';

export interface Violation {
  /**
   * `I1` …, or `R1` …; `live`: the run did not come to rest; `halt`: a process stopped that should not have. Of a
   * user's scenario also `expectation`, `outside` (an agent did what a run has no place for) and `deterministic`.
   */
  readonly invariant: string;
  readonly what: string;
  /** Offending records, as text. */
  readonly records: readonly string[];
}

export interface SeedReport {
  readonly seed: number;
  /** SHA-256 over every record of every topic: two runs of one seed agree on it. */
  readonly historyHash: string;
  readonly violations: readonly Violation[];
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** What was reached: refusal reasons, outcomes, rare paths. */
  readonly reached: Readonly<Record<string, number>>;
  readonly steps: number;
  readonly facts: number;
  readonly claims: number;
  readonly jobs: number;
}

/** How often faults struck, of all kinds. */
export function faultsOf({ faults }: Pick<SeedReport, 'faults'>): number {
  return Object.values(faults).reduce((sum, times) => sum + times, 0);
}

/** Virtual time within which a healed run must come to rest: the longest deadline, clocks that fell back, and grace. */
const convergeMs = 240_000;
const quietMs = 2_500;
/** Jobs that every run of the built-in scenario accepts; where limits keep them out of the storm, they come after it. */
const jobsMin = 20;
const moreJobsTimesMax = 40;

/** A run that is over, before anything of it was checked. */
export interface PlayedSeed {
  readonly world: World;
  readonly never: ReadonlySet<string>;
  readonly isAtRest: boolean;
}

/** Runs one seed to its report; twice where asked, or where a user's expectation is broken. Never throws for what the run did; runs must not overlap in one process. */
export async function runSeed(seed: number, scenario: Scenario = builtInScenario, isTwice = false): Promise<SeedReport> {
  const played = await playSeed(seed, scenario);
  const { world } = played;
  const { violations, reached, counts } = checkRun(world, played);
  const own = scenario.own?.check(played);
  const hash = historyHash(world);
  const differs = isTwice || (own?.violations.length ?? 0) > 0 ? await playAgain(played, hash) : [];
  return {
    seed, historyHash: hash, violations: [...violations, ...own?.violations ?? [], ...differs], reached: { ...reached, ...own?.reached }, faults: Object.fromEntries(world.faults.injected), steps: world.scheduler.steps, ...counts,
  };
}

/** The same seed must give the same history. */
async function playAgain({ world }: PlayedSeed, hash: string): Promise<readonly Violation[]> {
  const { world: again } = await playSeed(world.seed, world.scenario);
  if (historyHash(again) === hash) return [];
  return [{ invariant: 'deterministic', what: 'the seed, played again, has another history: an agent has a clock, dice or a memory of its own', records: firstDifference(world, again) }];
}

/** Storm, heal, converge. */
export async function playSeed(seed: number, scenario: Scenario = builtInScenario): Promise<PlayedSeed> {
  codec.forget(seed % 16 === 1);
  const world = new World(seed, scenario);
  const never = new Set<string>();
  const settleRejections = watchRejections(world);
  const restore = installVirtualGlobals(effectsOf(world));
  let isAtRest = false;
  try {
    const { scheduler, dice, faults, partitions } = world;
    populate(world);
    const stormMs = dice.between(4_000, 9_000);
    const client = { process: world.process('client'), seed, dice, faults, partitions, scenario, sign: world.sign };
    scheduleSubmissions(client, { first: 0, jobs: jobsMin, spanMs: stormMs * 0.7 });
    const adversary = { process: world.process('adversary'), store: world.store, dice, faults, partitions, never, scenario, sign: world.sign };
    const startMs = scheduler.nowMs;
    const makeMischief = (): void => {
      const passed = (scheduler.nowMs - startMs) / stormMs;
      mischief(adversary, passed > 0.6 && faults.total < faultsMin);
      if (passed < 1) scheduler.at(100, makeMischief);
    };
    scheduler.at(200, makeMischief);
    storm(world, startMs + stormMs);
    await scheduler.run(startMs + stormMs);
    heal(world);
    isAtRest = await converge(world, client);
  } finally {
    restore();
    await settleRejections();
  }
  return { world, never, isAtRest };
}

function populate(world: World): void {
  const { dice, scenario } = world;
  const hasVerifiers = Object.values(scenario.policy.workflows).some(({ steps }) => steps.some(({ verifier }) => verifier !== ''));
  const several = (most: number): number => dice.between(1, most);
  for (let count = several(3); count > 0; count -= 1) world.place('orchestrator');
  for (let count = several(2); count > 0; count -= 1) world.place('worker');
  for (let count = several(2); count > 0; count -= 1) if (hasVerifiers) world.place('verifier');
  world.place('projector');
}

async function converge(world: World, client: SubmissionParts): Promise<boolean> {
  const { scheduler } = world;
  let untilMs = scheduler.nowMs + convergeMs;
  let seen = '';
  let times = 0;
  // Appends that were given up in the storm may land a while after it.
  await scheduler.run(scheduler.nowMs + 4_000);
  while (scheduler.nowMs < untilMs) {
    await scheduler.run(scheduler.nowMs + quietMs);
    const now = lengths(world);
    if (now === seen && isSettled(world)) {
      const missing = jobsMin - acceptedJobs(world);
      if (missing <= 0 || world.scenario.own !== null || times === moreJobsTimesMax) return true;
      times += 1;
      untilMs = scheduler.nowMs + convergeMs;
      scheduleSubmissions(client, { first: 100 * times, jobs: missing, spanMs: 1_000 });
    }
    seen = now;
  }
  return false;
}

function acceptedJobs({ tables }: World): number {
  let jobs = 0;
  for (const { accepted } of tables.jobs.values()) jobs += accepted;
  return jobs;
}

function lengths({ store, partitions }: World): string {
  return Array.from({ length: partitions }, (_, partition) => `${store.range(topics.quarantine, partition).next}/${store.range(topics.verified, partition).next}`).join(' ');
}

/** Every claim decided, no job open, every record projected. */
function isSettled({ places, store, partitions, tables }: World): boolean {
  const owned = places.flatMap((place) => place.orchestrator?.partitions() ?? []);
  return Array.from({ length: partitions }, (_, partition) => {
    const owner = owned.find((one) => one.partition === partition);
    return owner?.state?.cursor === store.range(topics.quarantine, partition).next - 1 && owner.openJobs === 0 && (tables.positions.get(partition)?.offset ?? 0) === store.range(topics.verified, partition).next;
  }).every(Boolean);
}

function historyHash({ store, partitions }: World): string {
  const hash = createHash('sha256');
  for (const topic of [topics.quarantine, topics.verified, topics.deadLetter]) {
    for (let partition = 0; partition < (topic === topics.deadLetter ? 1 : partitions); partition += 1) {
      for (const { offset, appendTimeMs, key, value } of store.slice({ topic, partition, from: 0, until: store.range(topic, partition).next, bytesMax: Infinity })) {
        hash.update(`${topic}/${partition}/${offset} ${appendTimeMs} ${key.length} ${value.length} ${key.toString('latin1')}`, 'latin1').update(value);
      }
    }
  }
  return hash.digest('hex');
}
