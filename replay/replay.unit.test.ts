import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { topicNames } from '../topics/topics.js';
import { contracts } from '../workflows/contracts.js';
import { jobId } from '../services/blackboard/ids.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import { Keyring, type SigningKey } from '../services/runtime/keyring.js';
import { MemoryLogStore } from '../services/runtime/log/memory/memory-log.js';
import { partitionFor } from '../services/runtime/log/partitioner.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { checkLog } from '../services/testing/check-log.js';
import { NoopRig } from '../services/testing/noop-rig.js';
import { verifyLog, type VerifyReport } from '../services/verify/verify-log.js';
import { boardAt, parseAt } from './board-at.js';
import { replayLog, type ReplayReport } from './replay.js';
import { decidedAgain } from './take-again.js';

const topics = topicNames();
const codec = embeddedCodec(join(projectRoot, 'schemas'));

function store(partitions: number): MemoryLogStore {
  return new MemoryLogStore({ topics: [{ name: topics.quarantine, partitions }, { name: topics.verified, partitions }, { name: topics.control, partitions: 1 }, { name: topics.deadLetter, partitions: 1 }] });
}

/** Five jobs for each of the owners that follow each other with these keys; the log replayed and verified with all keys. */
async function ofOwners(keyrings: (all: Keyring, keys: readonly SigningKey[]) => readonly Keyring[]): Promise<{ readonly report: VerifyReport; readonly withKeys: ReplayReport }> {
  const logs = store(1);
  const rig = new NoopRig(1);
  const log = logs.open();
  for (const [turn, keyring] of keyrings(rig.keyring, rig.keys).entries()) {
    const owner = await rig.orchestrator(logs.open(), { keyring });
    for (let n = 0; n < 5; n += 1) await rig.submit(log, `job-${turn}-${n}`);
    for (let decided = 0; decided < 5 * (turn + 1); await sleep(20)) {
      const { accepted, refusals } = await checkLog(log, topics, rig.codec);
      decided = accepted + (refusals['bad-signature'] ?? 0);
    }
    await owner.close();
  }
  return {
    report: await verifyLog({ log, topics, codec, keyring: rig.keyring, again: decidedAgain({ log, topics, codec }, { contracts, keyring: rig.keyring }) }),
    withKeys: await replayLog({ log, topics, codec, contracts, keyring: rig.keyring }),
  };
}

describe('replay of a log', () => {
  it('takes every decision of 500 jobs again without a divergence, over two owners in turn', async (t) => {
    const logs = store(4);
    const rig = new NoopRig(4);
    const log = logs.open();
    const agent = await rig.agent(logs.open());
    const first = await rig.orchestrator(logs.open());
    for (let n = 0; n < 250; n += 1) await rig.submit(log, `job-${n}`);
    await first.close();
    const second = await rig.orchestrator(logs.open());
    for (let n = 200; n < 500; n += 1) await rig.submit(log, `job-${n}`);
    const settled = await rig.settled(log, 500, 30_000);
    assert.deepEqual(settled.problems, []);
    await agent.drain();
    await second.close();
    const report = await replayLog({ log, topics, codec, contracts });
    assert.deepEqual(report.divergences, []);
    assert.equal(report.jobs, 500);
    assert.equal(report.decisions, settled.claims);
    assert.equal(report.undecided, 0);
    const withKeys = await replayLog({ log, topics, codec, contracts, keyring: rig.keyring });
    assert.deepEqual(withKeys.divergences, []);
    t.diagnostic(`${report.decisions} decisions, ${report.facts} facts in ${Math.round(report.elapsedMs)} ms: ${Math.round(report.decisions / report.elapsedMs * 1000)} decisions/s, ${Math.round(report.facts / report.elapsedMs * 1000)} facts/s`);
  });

  it("passes over a renewal that a stranger's record has pushed up: its checkpoint names an epoch that never came to be", async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    const log = logs.open();
    const agent = await rig.agent(logs.open());
    const own = logs.open();
    let pushed = 0;
    const orchestrator = await rig.orchestrator({
      ...own, join: (membership) => own.join(membership), read: (options) => own.read(options), ranges: (topic) => own.ranges(topic), close: () => own.close(),
      append: async (batch) => {
        const isRenewal = batch.topic === topics.verified && batch.records.length === 2 && rig.codec.peek(batch.records[0]?.value as Buffer)?.type === 'EpochStarted';
        const [stale] = isRenewal && pushed < 3 ? await log.read({ topic: topics.verified, partition: 0, from: 1, until: 2 })[Symbol.asyncIterator]().next().then(({ value }) => value as readonly { readonly value: Buffer }[]) : [];
        // A zombie of the first epoch writes once more, just before.
        if (stale !== undefined && (pushed += 1) > 1) await log.append({ topic: topics.verified, partition: 0, records: [{ key: Buffer.alloc(0), value: stale.value }] });
        return own.append(batch);
      },
    }, { renewAfterRecords: 3 });
    for (let n = 0; n < 10; n += 1) await rig.submit(log, `job-${n}`);
    const settled = await rig.settled(log, 10, 30_000);
    assert.deepEqual(settled.problems, []);
    await agent.drain();
    await orchestrator.close();
    assert.ok(pushed >= 2, 'a renewal was pushed up');
    const markers = new Set(settled.facts.filter(({ fact }) => fact.type === 'EpochStarted').map(({ record }) => record.offset));
    assert.ok(settled.facts.some(({ fact, counts }) => !counts && fact.type === 'Checkpointed' && !markers.has(fact.epoch)), 'its checkpoint names an offset that is no marker');
    const report = await replayLog({ log, topics, codec, contracts });
    assert.deepEqual(report.divergences, []);
  });

  it('holds a log in which a key was taken from an owner and given back, with all keys at hand', async () => {
    const { report, withKeys } = await ofOwners((all, keys) => [all, new Keyring(keys.filter(({ principal }) => principal !== 'ingress')), all]);
    assert.deepEqual(withKeys.divergences, []);
    assert.deepEqual(report.rows.filter(({ result }) => result === 'FAIL'), []);
    assert.match(report.rows.find(({ invariant }) => invariant === 'I4')?.figures ?? '', /, 0 false and refused, 5 under keys that the owner did not hold$/);
  });

  it('holds a log in which a dead letter can be read by now, also where timers were due before it', async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    const log = logs.open();
    // The same claim once more, framed with an id that the owner does not know, once time has moved over a deadline.
    const { baseOffset } = await rig.submit(log, 'short', { deadlineMs: 1 });
    await sleep(5);
    let known = -1;
    for await (const [record] of log.read({ topic: topics.quarantine, partition: 0, from: baseOffset, until: baseOffset + 1 })) {
      if (record === undefined) continue;
      const value = Buffer.from(record.value);
      known = value.readInt32BE(1);
      value.writeInt32BE(4711, 1);
      await log.append({ topic: topics.quarantine, partition: 0, records: [{ key: record.key, value }] });
    }
    const owner = await rig.orchestrator(logs.open());
    for (let decided = 0; decided < 1; await sleep(20)) decided = (await checkLog(log, topics, rig.codec)).facts.filter(({ fact }) => fact.type === 'ClaimDeadLettered').length;
    await owner.close();
    const reader = embeddedCodec(join(projectRoot, 'schemas'));
    reader.learn(4711, reader.schemaOf(known));
    const { rows } = await verifyLog({ log, topics, codec: reader, keyring: rig.keyring, again: decidedAgain({ log, topics, codec: reader }, { contracts, keyring: rig.keyring }) });
    assert.deepEqual(rows.filter(({ result }) => result === 'FAIL'), []);
  });

  it('finds an owner that believes a signer now and then', async () => {
    let looks = 0;
    const { report, withKeys } = await ofOwners((all) => [{ signerOf: (principal) => all.signerOf(principal), sign: (...of) => all.sign(...of), verify: (signer, ...of) => (looks += 1) % 2 === 0 && all.verify(signer, ...of) } as Keyring]);
    assert.equal(withKeys.firstDivergence?.kind, 'fact-differs');
    assert.deepEqual(report.rows.filter(({ result }) => result === 'FAIL').map(({ invariant }) => invariant), ['I4', 'I6']);
  });

  it('passes over what an owner wrote after it had been replaced', async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    const log = logs.open();
    const agent = await rig.agent(logs.open());
    const one = await rig.orchestrator(logs.open(), { instance: 'one' });
    const two = await rig.orchestrator(logs.open(), { instance: 'two', group: 'bb.rival' });
    for (let n = 0; n < 20; n += 1) await rig.submit(log, `job-${n}`);
    await rig.settled(log, 20, 20_000);
    await agent.drain();
    await two.close();
    await one.close();
    const report = await replayLog({ log, topics, codec, contracts });
    assert.deepEqual(report.divergences, []);
    assert.ok(report.epochs > 2, 'they fought');
  });

  it('shows the board and the timeline as of an offset, an event or a time', async () => {
    const logs = store(2);
    const rig = new NoopRig(2);
    const log = logs.open();
    const agent = await rig.agent(logs.open());
    const orchestrator = await rig.orchestrator(logs.open());
    await rig.submit(log, 'job-1');
    await rig.settled(log, 1, 30_000);
    await agent.drain();
    await orchestrator.close();
    const job = jobId('acme', 'job-1');
    const source = { log, topics, codec };
    const end = await boardAt(source, job, null);
    assert.equal(end?.board?.status, 'completed');
    const stepped = ['StepRequested', 'ArtifactVerified', 'StepCompleted'];
    assert.deepEqual(end.timeline.map((event) => event.type), ['JobAccepted', ...stepped, ...stepped, ...stepped, 'JobEnded']);
    assert.equal(end.board.artifacts.length, 3);
    const second = await boardAt(source, job, parseAt('#2'));
    assert.equal(second?.board?.status, 'open');
    assert.equal(second.board.steps[0]?.status, 'working');
    assert.deepEqual(second.timeline.map((event) => event.n), [1, 2]);
    const offset = end.timeline[2]?.offset as number;
    const third = await boardAt(source, job, parseAt(`v/${partitionFor(Buffer.from(job), 2)}/${offset}`));
    assert.deepEqual(third?.timeline.map((event) => event.type).at(-1), 'ArtifactVerified');
    assert.equal((await boardAt(source, job, parseAt('2001-01-01')))?.board, null);
    assert.equal((await boardAt(source, job, parseAt(new Date(Date.now() + 1_000).toISOString())))?.board?.status, 'completed');
    assert.equal(await boardAt(source, jobId('acme', 'none'), null), null);
    await assert.rejects(boardAt(source, job, { kind: 'offset', offset: 0, partition: 1 - partitionFor(Buffer.from(job), 2) }), { code: 'INPUT_INVALID' });
    assert.throws(() => parseAt('yesterday'), { code: 'INPUT_INVALID' });
  });
});
