// Forged and malformed records of every kind, by agents with real keys, among honest jobs on real servers: each has
// exactly one answer, the right one, and no other effect. How much slower honest jobs were is printed, not asserted.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { whatIsMissing } from '../../../infra/local/for-tests.js';
import { kinds } from './kinds.js';
import { runHostile, type HostileReport } from './run-hostile.js';

const skip = await whatIsMissing({ kafka: true, registry: true, postgres: true });
const records = 3_000;

describe('hostile agents with real credentials', { skip: skip ?? false, timeout: 300_000 }, () => {
  let report: HostileReport;

  before(async () => {
    report = await runHostile({ records, seed: 7, ratePerSecond: 300, honestPerSecond: 15, strikes: 1, calmMs: 3_000, say: () => undefined });
  });
  after(() => {
    const { account, phases } = report;
    process.stdout.write(`# ${account.refused} refused, ${account.deadLettered} dead letters, ${account.accepted} accepted; honest p99 ${phases.map(({ isHostile, p99Ms }) => `${isHostile ? 'hostile' : 'calm'} ${p99Ms} ms`).join(', ')}: ${report.p99Ratio.toFixed(2)} of a calm run${report.heldBack === 0 ? '' : ` (overloaded: ${report.heldBack} submissions held back)`}\n`);
  });

  it('sends every kind', () => {
    assert.deepEqual(report.unsentKinds, []);
    assert.equal(new Set(kinds.map(({ name }) => name)).size, kinds.length, 'kinds have names of their own');
    assert.equal(report.unknownAppends, 0);
  });

  it('gives each record exactly one answer with the right reason, and no other effect; honest jobs end with their own result', () => {
    const { account } = report;
    assert.deepEqual(account.problems, []);
    assert.equal(account.accepted, 0);
    assert.ok(account.refused + account.deadLettered + account.atTheDoor >= records, `${account.refused} refused, ${account.deadLettered} dead letters`);
    assert.ok(account.honestEnded > 0);
  });

  it('leaves a log and an audit table that hold every invariant', () => {
    assert.deepEqual(report.verify.failed, []);
    assert.ok(report.verify.ok);
  });

  it('prints nothing in any view that acts on a terminal', () => {
    assert.deepEqual(report.viewsThatAct, []);
  });
});
