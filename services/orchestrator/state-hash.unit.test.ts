import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobState, PartitionState } from '../blackboard/board.js';
import { PartitionFixture } from '../testing/partition-fixture.js';
import { stateHash } from './state-hash.js';

function ofJobs(state: PartitionState, jobs: readonly JobState[]): PartitionState {
  return { ...state, jobs: new Map(jobs.map((job) => [job.job, job])) };
}

function threeJobs(): PartitionState {
  const fixture = new PartitionFixture();
  for (let n = 0; n < 3; n += 1) fixture.submit(`job-${n}`);
  return fixture.state;
}

describe('the hash of a state', () => {
  it('does not depend on the order in which jobs came', () => {
    const state = threeJobs();
    assert.equal(stateHash(ofJobs(state, [...state.jobs.values()].reverse())), stateHash(state));
  });

  it('is another one when a job is missing, or one of them differs', () => {
    const state = threeJobs();
    const [first, ...others] = [...state.jobs.values()] as [JobState, ...JobState[]];
    assert.notEqual(stateHash(ofJobs(state, others)), stateHash(state));
    assert.notEqual(stateHash(ofJobs(state, [{ ...first, deadlineAtMs: first.deadlineAtMs + 1 }, ...others])), stateHash(state));
  });

  it('is made of more than one text can hold', () => {
    const state = threeJobs();
    const [first] = [...state.jobs.values()] as [JobState];
    // The longest text of the platform has some 2^29 characters; the jobs share their parameters' memory.
    const params = { question: 'q'.repeat(2 ** 22) };
    const jobs = Array.from({ length: 130 }, (_, n) => ({ ...first, job: n.toString(16).padStart(32, '0'), params }));
    assert.match(stateHash(ofJobs(state, jobs)), /^[0-9a-f]{64}$/);
  });
});
