import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumptions, capacityOf, type UnitCosts } from './capacity.js';
import { capacityMarkdown } from './capacity-markdown.js';
import { sampleResults, sampleSystem } from '../report/sample-results.js';

const costs: UnitCosts = {
  stepsPerJob: 3, factsPerJob: 10, claimsPerJob: 4, factBytesPerJob: 4_000, claimBytesPerJob: 2_000, walBytesPerJob: 10_000, databaseBytesPerJob: 6_000,
  cpuSecondsPerJob: { orchestrator: 0.0003, agents: 0.0003, projector: 0.0001, gateway: 0.00005, kafka: 0.0001, postgres: 0.0002, ingress: 0.0001 },
  projectedRowsPerS: 100_000, jobKb: 1, restoredJobsPerS: 100_000,
};
const load = { openJobs: 1_000_000, stepsPerS: 30_000 };

test('instances are the cores that the load takes, at the assumed utilisation, and never fewer than two', () => {
  const { instances } = capacityOf(costs, load);
  assert.deepEqual(instances, { ingress: 2, orchestrator: 5, agents: 5, projector: 2, gateway: 2 });
});

test('partitions are a power of two, enough for the owners and for a take-over in time', () => {
  assert.equal(capacityOf(costs, load).partitions, 32);
  assert.equal(capacityOf({ ...costs, restoredJobsPerS: 1_000 }, load).partitions, 256);
});

test('brokers write each byte once per replica, and send it to followers and to every group of readers', () => {
  const { brokers } = capacityOf(costs, load);
  assert.deepEqual([brokers.inMbPerS, brokers.diskMbPerS], [180, 180]);
  assert.equal(brokers.outMbPerS, 60 * 2 + 40 * assumptions.factReaders + 20);
  assert.equal(brokers.count, 3);
});

test('one Postgres ends where the tightest of rows, write-ahead log and processor ends, and more load wants more of them', () => {
  const { postgres, firstWall } = capacityOf(costs, load);
  assert.equal(postgres.rowsPerS, 100_000);
  assert.deepEqual(firstWall, { what: 'one Postgres: rows a second of the projector', stepsPerS: 18_000 });
  assert.equal(postgres.servers, 2);
  assert.equal(capacityOf(costs, { ...load, stepsPerS: 10_000 }).postgres.servers, 1);
  assert.equal(capacityOf({ ...costs, walBytesPerJob: 100_000 }, load).firstWall.what, 'one Postgres: write-ahead log');
});

const measured = sampleResults({
  systems: [sampleSystem('blackboard', { throughput: [{ factsPerJob: 10, claimsPerJob: 4, factBytesPerJob: 4_000, claimBytesPerJob: 2_000, walBytesPerJob: 10_000, databaseBytesPerJob: 6_000, ...Object.fromEntries(['orchestrator', 'agents', 'projector', 'gateway', 'kafka', 'postgres', 'driver'].map((label) => [`cpuPer1000:${label}`, 0.2])) }] })],
  stages: { drain: { drainedRowsPerS: 100_000 } }, restores: [{ openJobs: 100_000, snapshotSeconds: 1, jobKb: 1 }],
});

test('the section says that one Postgres is the first wall when it is, and only then', () => {
  assert.match(capacityMarkdown(measured, load).join('\n'), /One Postgres is the first wall: it ends at 18,000 steps\/s/);
  assert.doesNotMatch(capacityMarkdown(measured, { ...load, stepsPerS: 1_000 }).join('\n'), /is the first wall/);
});

test('a run that has not measured a unit cost says which, instead of a plan', () => {
  assert.match(capacityMarkdown(sampleResults({ ...measured, stages: {} }), load).join('\n'), /missing: projectedRowsPerS/);
});
