import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { measure, type JobSystem } from './measure.js';
import { processorSeconds } from './processor-time.js';
import { stepResult, type StepResult } from './workload.js';

function outcomeOf(job: string): StepResult {
  return stepResult('write', job, stepResult('research', job, stepResult('plan', job, null)));
}

/** Answers after a turn of the event loop, and remembers how many jobs were in flight at most. */
function systemWith(over: Partial<JobSystem> = {}): JobSystem & { readonly seen: { jobs: number; inFlightMax: number } } {
  const seen = { jobs: 0, inFlightMax: 0 };
  let inFlight = 0;
  return {
    seen, about: [], processes: () => ({ driver: [process.pid] }), close: () => Promise.resolve(),
    async runJob(job) {
      seen.jobs += 1;
      inFlight += 1;
      seen.inFlightMax = Math.max(seen.inFlightMax, inFlight);
      await sleep(1);
      inFlight -= 1;
      return outcomeOf(job);
    },
    ...over,
  };
}

test('a throughput run keeps as many jobs in flight as asked, and no more', async () => {
  const system = systemWith();
  const figures = await measure(system, { measure: 'throughput', jobs: 40, inFlight: 8 });
  assert.deepEqual(system.seen, { jobs: 40, inFlightMax: 8 });
  assert.ok((figures['jobsPerS'] ?? 0) > 0);
  assert.equal(Math.round(figures['stepsPerS'] ?? 0), Math.round(3 * (figures['jobsPerS'] ?? 0)));
});

test('a latency run has one job in flight', async () => {
  const system = systemWith();
  await measure(system, { measure: 'latency', jobs: 5, to: 'outcome' });
  assert.deepEqual(system.seen, { jobs: 5, inFlightMax: 1 });
});

test('an outcome that is another job\'s, or of too few steps, fails the measurement', async () => {
  await assert.rejects(measure(systemWith({ runJob: () => Promise.resolve(outcomeOf('another')) }), { measure: 'latency', jobs: 1, to: 'outcome' }), /ended with/);
  await assert.rejects(measure(systemWith({ runJob: (job) => Promise.resolve(stepResult('plan', job, null)) }), { measure: 'latency', jobs: 1, to: 'outcome' }), /ended with/);
});

test('what a system has written is told per job', async () => {
  let bytes = 1_000;
  const figures = await measure(systemWith({ totals: () => Promise.resolve({ walBytes: bytes += 500 }) }), { measure: 'throughput', jobs: 10, inFlight: 2 });
  assert.equal(figures['walBytesPerJob'], 50);
});

test('a mode or a stage that a system does not have is refused by name', async () => {
  await assert.rejects(measure(systemWith(), { measure: 'mode', mode: 'sideways', isOn: true }), /no mode "sideways"/);
  await assert.rejects(measure(systemWith(), { measure: 'stage', stage: 'sideways' }), /no stage "sideways"/);
});

test('processor time never falls while children end and are reaped', async (t) => {
  const parent = spawn('sh', ['-c', 'while :; do sh -c "i=0; while [ \\$i -lt 60000 ]; do i=\\$((i+1)); done"; done']);
  t.after(() => { parent.kill('SIGKILL'); });
  let seconds = 0;
  for (let readings = 0; readings < 3_000; readings += 1) {
    const { sh = 0 } = processorSeconds({ sh: [parent.pid ?? 0] });
    assert.ok(sh >= seconds - 1e-9, `${seconds} s before, ${sh} s now`);
    seconds = sh;
    if (readings % 10 === 0) await sleep(1);
  }
  assert.ok(seconds > 0.2, `children ran for ${seconds} s`);
});
