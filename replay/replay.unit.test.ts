import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { topicNames } from '../topics/topics.js';
import { contracts } from '../workflows/contracts.js';
import { jobId } from '../services/blackboard/ids.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import { MemoryLogStore } from '../services/runtime/log/memory/memory-log.js';
import { partitionFor } from '../services/runtime/log/partitioner.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { NoopRig } from '../services/testing/noop-rig.js';
import { boardAt, parseAt } from './board-at.js';
import { replayLog } from './replay.js';

const topics = topicNames();
const codec = embeddedCodec(join(projectRoot, 'schemas'));

function store(partitions: number): MemoryLogStore {
  return new MemoryLogStore({ topics: [{ name: topics.quarantine, partitions }, { name: topics.verified, partitions }, { name: topics.control, partitions: 1 }, { name: topics.deadLetter, partitions: 1 }] });
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
    await rig.settled(log, 1, 10_000);
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
