// One run: storm and quiet while jobs are submitted, heal, drain, stop, and let `blackboard verify` and the checks of
// this folder look at what is left. A bounded time for each phase; whatever is started here is ended here.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults/fault.js';
import { CommitSampler } from './commit-sampler.js';
import { GroupWatch } from './group-watch.js';
import { makeReport, type ChaosReport } from './report.js';
import { verifyWithCommand } from './verify-command.js';
import { weather, type Pace, type Struck } from './storms.js';
import { openWorld, type World, type WorldOptions } from './world.js';

export interface ChaosOptions extends WorldOptions {
  readonly faults: readonly Fault[];
  readonly pace: Pace;
  /** Longest that the last job may take once all is healed. */
  readonly drainMs: number;
}

/** @throws when the parts could not be started, or did not come to rest once healed. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { say, jobs } = options;
  const startedMs = Date.now();
  say('starting servers and services');
  const world = await openWorld(options);
  const commits = new CommitSampler(world.cluster.db, world.cluster.topics.verified);
  const groups = new GroupWatch(world.cluster, world.journal);
  try {
    commits.start();
    groups.start();
    say(`keys and logs of the services are in ${world.cluster.folder}`);
    say(`all run after ${seconds(startedMs)} s; ${jobs} jobs over ${Math.round(options.planMs / 1000)} s`);
    const loadedMs = Date.now();
    const progress = setInterval(() => say(progressOf(world)), 5_000);
    let struck: Struck;
    try {
      [struck] = await Promise.all([weather(world, options.faults, options.pace).finally(() => world.load.finish()), world.load.run()]);
      say(`healed after ${seconds(loadedMs)} s: all faults are lifted`);
      const healedMs = Date.now();
      await drain(world, commits, options.drainMs);
      say(`all jobs ended ${seconds(healedMs)} s later`);
    } finally {
      clearInterval(progress);
    }
    const drainedMs = Date.now();
    await settle(world, commits);
    await commits.stop();
    await groups.stop();
    await world.follower.stop();
    const verified = await verifyWithCommand(world.cluster, world.load.history);
    say(`verified in ${(verified.elapsedMs / 1000).toFixed(1)} s`);
    return await makeReport({ world, commits, struck, verified, faults: options.faults, elapsedMs: { start: loadedMs - startedMs, run: drainedMs - loadedMs } });
  } finally {
    await commits.stop();
    await groups.stop();
    await world.close();
  }
}

/** Waits until every acknowledged job has ended, each claim is decided and each fact has its row. */
async function drain(world: World, commits: CommitSampler, drainMs: number): Promise<void> {
  const { fleet, follower, load } = world;
  fleet.thawAll();
  const until = Date.now() + drainMs;
  await fleet.rest(drainMs);
  for (;;) {
    await follower.catchUp().catch(() => undefined);
    const open = [...follower.jobs.values()].filter(({ terminals }) => terminals === 0).length;
    const undecided = await follower.undecided().catch(() => Infinity);
    if (open === 0 && undecided === 0 && follower.jobs.size >= load.acked && behind(world, commits) === 0) return;
    if (Date.now() > until) {
      world.options.say(`NOT at rest ${drainMs / 1000} s after healing: ${open} jobs open, ${undecided} claims undecided, ${follower.jobs.size} jobs of ${load.acked} acknowledged, ${behind(world, commits)} rows missing`);
      return;
    }
    await sleep(250);
  }
}

/** Ends those who send, lets what they sent be decided and projected, ends the others. */
async function settle(world: World, commits: CommitSampler): Promise<void> {
  const { fleet, follower } = world;
  await fleet.stop(['ingress', 'worker', 'checker', 'gateway']);
  for (const until = Date.now() + 30_000; Date.now() < until; await sleep(200)) {
    await follower.catchUp();
    if (await follower.undecided() > 0) continue;
    await commits.look().catch(() => undefined);
    if (behind(world, commits) === 0) break;
  }
  await fleet.stop();
}

/** Facts that have no committed row yet. */
function behind({ follower }: World, commits: CommitSampler): number {
  return [...follower.ends()].reduce((sum, [partition, next]) => sum + Math.max(0, next - (commits.next.get(partition) ?? 0)), 0);
}

function progressOf({ load, follower, fleet, journal, options }: World): string {
  const down = fleet.seats.filter(({ state }) => state !== 'up').length;
  return `${load.sent}/${options.jobs} sent, ${follower.jobs.size} accepted, ${follower.ended} ended; ${journal.kills.length} kills, ${down} of ${fleet.seats.length} processes down`;
}

const seconds = (sinceMs: number): string => ((Date.now() - sinceMs) / 1000).toFixed(1);
