import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumptions, capacityOf, type UnitCosts } from './capacity.js';
import { capacityMarkdown } from './capacity-markdown.js';
import { sampleResults, sampleSystem } from '../report/sample-results.js';

const costs: UnitCosts = {
  stepsPerJob: 3, factsPerJob: 10, claimsPerJob: 4, factBytesPerJob: 4_000, claimBytesPerJob: 2_000, walBytesPerJob: 10_000, databaseBytesPerJob: 6_000,
  cpuSecondsPerJob: { orchestrator: 0.0003, agents: 0.0003, projector: 0.0001, gateway: 0.00005, kafka: 0.0001, postgres: 0.0002, ingress: 0.0001 },
  projectedRowsPerS: 100_000, copiedRowsPerS: 200_000, jobKb: 1, restoredJobsPerS: 100_000, endedJobBytes: 100, endedRestoredPerS: 10_000_000,
};
const load = { openJobs: 1_000_000, stepsPerS: 30_000 };

test('instances are the cores that the load takes, at the assumed utilisation, and never fewer than two', () => {
  const { instances } = capacityOf(costs, load);
  assert.deepEqual(instances, { ingress: 2, orchestrator: 5, agents: 5, projector: 2 });
});

test('partitions are a power of two, enough for the owners and for a take-over in time', () => {
  assert.equal(capacityOf(costs, load).partitions, 32);
  assert.equal(capacityOf({ ...costs, restoredJobsPerS: 1_000 }, load).partitions, 256);
  assert.equal(capacityOf({ ...costs, endedRestoredPerS: 1_000_000 }, load).partitions, 256);
});

test('an orchestrator holds what is open, and what has ended within the time that its id is remembered', () => {
  const { endedJobs, orchestratorMb, takeOverSeconds } = capacityOf(costs, load);
  assert.equal(endedJobs, 10_000 * 86_400);
  assert.deepEqual(orchestratorMb, [204.8, 17_280]);
  assert.equal(takeOverSeconds, (10 + 86.4) / 5);
});

test('brokers write each byte once per replica, and send it to followers and to every group of readers', () => {
  const { brokers } = capacityOf(costs, load);
  assert.deepEqual([brokers.inMbPerS, brokers.diskMbPerS], [180, 180]);
  assert.equal(brokers.outMbPerS, 60 * 2 + 40 * assumptions.factReaders + 20);
  assert.equal(brokers.count, 3);
});

test('projectors are as many as their processor time and their rows a second ask for', () => {
  assert.equal(capacityOf({ ...costs, projectedRowsPerS: 10_000 }, load).instances['projector'], 17);
});

test('one Postgres ends where the tightest of rows, write-ahead log and processor ends, and more load wants more of them', () => {
  const ends = (over: Partial<UnitCosts>) => Object.fromEntries(capacityOf({ ...costs, ...over }, load).walls.map(({ part, what, stepsPerS }) => [`${part}: ${what}`, Math.round(stepsPerS)]));
  assert.deepEqual(ends({}), { 'gateway: one thread follows all facts': 36_000, 'Postgres: write-ahead log': 54_000, 'Postgres: rows, 4 sessions of COPY': 144_000, 'Postgres: processor time': 288_000 });
  assert.deepEqual(capacityOf(costs, { ...load, stepsPerS: 54_001 }).postgres.servers, 2);
  assert.deepEqual(capacityOf(costs, { ...load, stepsPerS: 54_000 }).postgres.servers, 1);
  assert.equal(ends({ copiedRowsPerS: 20_000 })['Postgres: rows, 4 sessions of COPY'], 14_400);
});

const measured = sampleResults({
  systems: [sampleSystem('blackboard', { throughput: [{ factsPerJob: 10, claimsPerJob: 4, factBytesPerJob: 4_000, claimBytesPerJob: 2_000, walBytesPerJob: 10_000, databaseBytesPerJob: 6_000, ...Object.fromEntries(['orchestrator', 'agents', 'projector', 'gateway', 'kafka', 'postgres', 'driver'].map((label) => [`cpuPer1000:${label}`, 0.2])) }] })],
  stages: { drain: { drainedRowsPerS: 100_000, copyRowsPerS: 20_000 }, ended: { endedJobBytes: 100, endedRestoredPerS: 1_000_000 } }, restores: [{ openJobs: 100_000, snapshotSeconds: 1, jobKb: 1 }],
});

test('the section names the first wall when it lies below the load, and only then', () => {
  assert.match(capacityMarkdown(measured, load).join('\n'), /The first wall is the gateway: 9,000 steps\/s/);
  assert.match(capacityMarkdown(measured, load).join('\n'), /shared out over 3 Postgres servers, which is not built/);
  assert.match(capacityMarkdown(measured, { ...load, stepsPerS: 1_000 }).join('\n'), /No part that cannot be multiplied ends below this load/);
});

test('a run that has not measured a unit cost says which, instead of a plan', () => {
  assert.match(capacityMarkdown(sampleResults({ ...measured, stages: {} }), load).join('\n'), /missing: projectedRowsPerS, copiedRowsPerS, endedJobBytes, endedRestoredPerS/);
});
