import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contentHash, jobId } from './ids.js';
import { RememberedJobs, type RememberedJob } from './remembered-jobs.js';

function ended(number: number, over: Partial<RememberedJob> = {}): RememberedJob {
  return { job: jobId('acme', `job-${number}`), submissionDigest: contentHash(`body ${number}`), acceptedOffset: 11 * number, acceptedEpoch: number, forgetAtMs: 1_790_000_000_000 + number, ...over };
}

function remembering(...entries: readonly RememberedJob[]): RememberedJobs {
  const jobs = new RememberedJobs();
  for (const entry of entries) jobs.set(entry);
  return jobs;
}

/** The same numbers each time; the simulation's dice are out of reach of nouns. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('remembered jobs', () => {
  it('are what a map of them would be, whatever comes in which order', () => {
    const roll = dice(7);
    const jobs = new RememberedJobs();
    const model = new Map<string, RememberedJob>();
    let timeMs = 0;
    const isKept = ({ forgetAtMs }: RememberedJob): boolean => forgetAtMs > timeMs;
    for (let turn = 0; turn < 40_000; turn += 1) {
      const number = roll(5_000);
      const entry = ended(number, { acceptedOffset: turn, forgetAtMs: timeMs + 1 + roll(20_000) });
      if (roll(10) < 8) {
        jobs.set(entry);
        model.set(entry.job, entry);
      } else {
        jobs.delete(entry.job);
        model.delete(entry.job);
      }
      timeMs += roll(3);
      jobs.sweep(timeMs);
      const asked = ended(roll(5_000)).job;
      const [got, known] = [jobs.get(asked, timeMs), model.get(asked)];
      if (known !== undefined && isKept(known)) assert.deepEqual(got, known);
      else assert.equal(got, undefined);
      if (turn % 1_000 !== 0) continue;
      const kept = [...model.values()].filter(isKept).sort((a, b) => (a.job < b.job ? -1 : 1));
      assert.deepEqual([...jobs.values(timeMs)], kept);
      assert.equal([...jobs.values(0)].length, jobs.size);
      const oldest = kept.reduce<RememberedJob | undefined>((first, one) => (first === undefined || one.acceptedOffset < first.acceptedOffset ? one : first), undefined);
      assert.equal(jobs.oldest(timeMs)?.acceptedOffset, oldest?.acceptedOffset);
      assert.equal(jobs.oldest(timeMs)?.acceptedEpoch, oldest?.acceptedEpoch);
    }
    assert.ok(jobs.size > 2_000, `${jobs.size} are no test of more than one leaf`);
  });

  it('keep numbers whole: offsets beyond 32 bits, the epoch before the first', () => {
    const entry = ended(1, { acceptedOffset: 2 ** 52 + 1, acceptedEpoch: -1, forgetAtMs: 1_790_000_000_123 });
    assert.deepEqual(remembering(entry).get(entry.job, 0), entry);
  });

  it('come back from bytes, but for those whose window has passed', () => {
    const entries = Array.from({ length: 3_000 }, (_, number) => ended(number));
    const timeMs = 1_790_000_000_000 + 999;
    const pieces = [...remembering(...entries).pack(timeMs, 700)];
    assert.deepEqual(pieces.map((piece) => piece.length / 72), [700, 700, 600]);
    const back = new RememberedJobs();
    // As out of a codec's buffer: where no word may begin.
    for (const piece of pieces) back.addPacked(Buffer.concat([Buffer.alloc(3), piece]).subarray(3));
    assert.deepEqual([...back.values(0)], [...remembering(...entries.slice(1_000)).values(0)]);
    assert.throws(() => { back.addPacked(Buffer.alloc(71)); }, /71 bytes/);
  });

  it('that nobody asks for any more leave as others end', () => {
    const many = 20_000;
    const jobs = remembering(...Array.from({ length: many }, (_, number) => ended(number, { forgetAtMs: 10 })));
    for (let number = many; number < many + 500; number += 1) {
      jobs.set(ended(number, { forgetAtMs: 30 }));
      jobs.sweep(20);
    }
    assert.equal(jobs.size, 500);
    assert.equal([...jobs.values(0)].length, 500);
    assert.equal(jobs.oldest(20)?.acceptedOffset, 11 * many);
    assert.equal(jobs.oldest(30), undefined);
  });
});
