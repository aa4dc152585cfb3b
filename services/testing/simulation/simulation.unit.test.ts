import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { projectRoot } from '../../runtime/project-root.js';
import { Coverage } from './coverage.js';
import { runMany } from './run-many.js';
import { faultsOf, runSeed, type SeedReport } from './run-seed.js';

const count = Number(process.env['SIM_SEEDS'] ?? '2000');
/** Several times what an idle machine with two cores takes. A machine that is busy beyond that plays fewer, and says how many. */
const limitMs = 300_000;
const countMin = Math.min(count, 300);
const faultsMin = 12;
const jobsMin = 20;
const { kept } = JSON.parse(readFileSync(join(projectRoot, 'services/testing/simulation/seeds.json'), 'utf8')) as { readonly kept: readonly { readonly seed: number; readonly guards: string }[] };

describe('the runtime under seeded faults', () => {
  it('repeats a run byte for byte from its seed', async () => {
    for (const seed of [4, 7]) {
      const first = await runSeed(seed);
      const second = await runSeed(seed);
      assert.equal(second.historyHash, first.historyHash);
      assert.deepEqual(second, first);
    }
    assert.notEqual((await runSeed(5)).historyHash, (await runSeed(6)).historyHash);
  });

  it('keeps every invariant, comes to rest after each storm, and reaches what it must reach', async (context) => {
    const coverage = new Coverage();
    const failed: SeedReport[] = [];
    const easy: number[] = [];
    let ran = 0;
    const startedMs = performance.now();
    await runMany({ seeds: Array.from({ length: count }, (_, index) => index + 1), workers: 2, signal: AbortSignal.timeout(limitMs), onReport: (report) => {
      ran += 1;
      coverage.add(report);
      if (report.violations.length > 0) failed.push(report);
      if (report.jobs < jobsMin || faultsOf(report) < faultsMin) easy.push(report.seed);
    } });
    context.diagnostic(`${ran} seeds, ${Math.round(ran / ((performance.now() - startedMs) / 60_000))} a minute`);
    assert.ok(ran === count || (performance.now() - startedMs >= limitMs && ran >= countMin), `${ran} of ${count} seeds in ${Math.round(limitMs / 1000)} s: the simulation hangs, or has grown out of hand`);
    assert.deepEqual(failed.map(({ seed, violations }) => ({ seed, violations: violations.slice(0, 3) })), []);
    assert.deepEqual(easy, [], `every seed has ${jobsMin} jobs and ${faultsMin} faults at least`);
    // Rare ones need more seeds than somebody in a hurry plays.
    if (ran >= 500) assert.deepEqual(coverage.missing, []);
  });

  it('keeps what it has learnt: seeds that have failed once', async () => {
    for (const { seed, guards } of kept) assert.deepEqual((await runSeed(seed)).violations, [], `seed ${seed}: ${guards}`);
  });
});
