import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Run } from './agents/runs-file.js';
import { checkClaims } from './check-claims.js';
import { checkHistory } from './check-history.js';
import { checkRuns } from './check-runs.js';
import type { FollowedJob } from './log-follower.js';
import type { Submission, Try } from './load.js';
import { percentile, recoveries, type Evidence } from './recovery.js';

const made = (end: Try['end'], status = 0): Try => ({ ingress: 0, sentAtMs: 0, answeredAtMs: 1, end, status });
const submission = (over: Partial<Submission> = {}): Submission => ({ key: 'k', tenant: 't', workflow: 'w', isWellFormed: true, tries: [made('acked', 202)], job: 'j', places: ['0/5'], ...over });
const job = (over: Partial<FollowedJob> = {}): FollowedJob => ({ key: 'k', tenant: 't', instance: 5, partition: 0, acceptedAtMs: 1, outcome: 'completed', reason: '', endedAtMs: 2, terminals: 1, ...over });
const at = new Map([['0/5', 'k']]);

describe("the client's history against the log (I2)", () => {
  it('finds nothing where what was acknowledged is there once, and ended once', () => {
    assert.deepEqual(checkHistory([submission({ tries: [made('unknown'), made('unavailable', 503), made('acked', 202)] })], [job()], at).problems, []);
  });
  it('reports what was acknowledged and is lost, elsewhere, doubled, open or ended twice', () => {
    const first = (jobs: readonly FollowedJob[], places = at): string => checkHistory([submission()], jobs, places).problems.join('; ');
    assert.match(first([]), /never became a job/);
    assert.match(first([job()], new Map()), /acknowledged at 0\/5, and there is nothing/);
    assert.match(first([job(), job({ instance: 6 })]), /became 2 jobs/);
    assert.match(first([job({ terminals: 0 })]), /has 0 terminals/);
    assert.match(first([job({ terminals: 2 })]), /has 2 terminals/);
  });
  it('reports what was refused and is in the log, and what nobody sent', () => {
    const refused = submission({ key: 'bad', isWellFormed: false, tries: [made('refused', 400)], places: [] });
    assert.match(checkHistory([refused], [], new Map([['0/9', 'bad']])).problems.join(), /was refused and is in the log/);
    assert.match(checkHistory([], [job()], at).problems.join(), /nobody submitted it/);
    assert.match(checkHistory([submission({ isWellFormed: false })], [job()], at).problems.join(), /breaks a rule and was acknowledged/);
    assert.match(checkHistory([submission({ places: [], tries: [made('unknown')] })], [], new Map()).problems.join(), /never acknowledged/);
  });
});

describe('attempts that ran twice', () => {
  const run = (pid: number, atMs: number): Run => ({ agent: 'worker', pid, atMs, attempt: 'j step one 1' });
  it('excuses a second run when something struck in between, and no other', () => {
    const struckAt = (ms: number) => (_agent: string, fromMs: number, untilMs: number): boolean => fromMs <= ms && ms <= untilMs;
    assert.equal(checkRuns([run(1, 1_000), run(2, 9_000)], struckAt(5_000), 500).excused, 1);
    assert.equal(checkRuns([run(1, 1_000), run(2, 9_000)], struckAt(600), 500).excused, 1);
    const { excused, unexcused } = checkRuns([run(2, 9_000), run(1, 1_000)], struckAt(20_000), 500);
    assert.equal(excused, 0);
    assert.match(unexcused.join(), /by 1 and 8000 ms later by 2/);
  });
});

describe('claims that faults sent', () => {
  const sent = { fault: 'hostile', about: 'x', place: '0/1', copyOf: '' };
  it('reports a forgery that became anything but turned away, and one that became nothing', () => {
    assert.deepEqual(checkClaims([sent], new Map([['0/1', 'ClaimRefused bad-signature']])).problems, []);
    assert.equal(checkClaims([sent], new Map([['0/1', 'ArtifactVerified']])).problems.length, 1);
    assert.equal(checkClaims([sent], new Map()).problems.length, 1);
  });
  it('lets a copy be right whose original was turned away, and no other copy', () => {
    const copy = { ...sent, copyOf: '0/0' };
    assert.deepEqual(checkClaims([copy], new Map([['0/0', 'ClaimRefused tenant-over-limit'], ['0/1', 'JobAccepted']])).problems, []);
    assert.equal(checkClaims([copy], new Map([['0/0', 'JobAccepted'], ['0/1', 'JobAccepted']])).problems.length, 1);
  });
});

describe('recovery from kill -9', () => {
  const evidence: Evidence = {
    kills: [{ kind: 'orchestrator', pid: 7, atMs: 1_000 }], jobs: [], history: [], ups: [], committedAtMs: new Map(),
    ownerships: [{ partition: 0, owner: 'orchestrator-host-7-a', atMs: 1 }, { partition: 1, owner: 'orchestrator-host-8-b', atMs: 1 }, { partition: 0, owner: 'orchestrator-host-8-b', atMs: 3_000 }],
    accepted: new Map([[0, [{ principal: 'worker', atMs: 900 }, { principal: 'worker', atMs: 1_001 }, { principal: 'ingress', atMs: 3_200 }]], [1, [{ principal: 'worker', atMs: 1_010 }]]]),
  };
  it('lasts until each partition that the dead owner had has a fact of the next owner', () => {
    assert.equal(recoveries(evidence)[0]?.tookMs, 2_200);
  });
  it('is not known where nobody took over, and not asked where nothing was owned', () => {
    assert.equal(recoveries({ ...evidence, ownerships: evidence.ownerships.slice(0, 2) })[0]?.tookMs, null);
    assert.equal(recoveries({ ...evidence, kills: [{ kind: 'orchestrator', pid: 9, atMs: 1_000 }] })[0]?.tookMs, null);
  });
  it('of an agent lasts until every partition has an answer of its kind', () => {
    const took = recoveries({ ...evidence, kills: [{ kind: 'worker', pid: 1, atMs: 950 }] })[0]?.tookMs;
    assert.equal(took, 60);
  });
  it('is summed up by the nearest rank', () => {
    assert.equal(percentile([3, 1, 2, 4], 0.5), 2);
    assert.equal(percentile([3, 1, 2, 4], 0.99), 4);
    assert.equal(percentile([], 0.5), null);
  });
});
