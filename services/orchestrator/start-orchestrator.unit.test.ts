import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { composeSchemas } from '../../schemas/compose.js';
import type { EventType } from '../../schemas/generated/events.js';
import { topicNames } from '../../topics/topics.js';
import { emptyEnvelope } from '../blackboard/empty-envelope.js';
import { EventCodec } from '../runtime/codec/event-codec.js';
import { MemoryLogStore, type AppendFault } from '../runtime/log/memory/memory-log.js';
import { projectRoot } from '../runtime/project-root.js';
import { NoopRig } from '../testing/noop-rig.js';

const topics = topicNames();

function store(partitions: number, onAppend?: (topic: string) => AppendFault): MemoryLogStore {
  return new MemoryLogStore({
    topics: [{ name: topics.quarantine, partitions }, { name: topics.verified, partitions }, { name: topics.deadLetter, partitions: 1 }],
    ...(onAppend === undefined ? {} : { faults: { onAppend: (batch) => onAppend(batch.topic) } }),
  });
}

describe('an orchestrator', () => {
  it('brings every job to one terminal', async () => {
    const logs = store(2);
    const rig = new NoopRig(2);
    const orchestrator = await rig.orchestrator(logs.open());
    const agent = await rig.agent(logs.open());
    const log = logs.open();
    await Promise.all(Array.from({ length: 50 }, (_, n) => rig.submit(log, `job-${n}`)));
    const report = await rig.settled(log, 50, 30_000);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.ended, { completed: 50 });
    assert.equal(report.stale, 0);
    await agent.drain();
    await orchestrator.close();
  });

  it('throws its state away and takes the partition again when an append is refused, unknown or late (R5, R6)', async () => {
    let appends = 0;
    const faults: readonly AppendFault[] = ['refuse', 'unknownWritten', 'unknownLost', { lateMs: 40 }, { lateMs: 400 }];
    const logs = store(1, (topic) => (topic === topics.verified && ++appends % 9 === 0 ? faults[(appends / 9) % faults.length] ?? 'ok' : 'ok'));
    const rig = new NoopRig(1);
    const orchestrator = await rig.orchestrator(logs.open());
    const agent = await rig.agent(logs.open());
    const log = logs.open();
    for (let n = 0; n < 40; n += 1) await rig.submit(log, `job-${n}`);
    const report = await rig.settled(log, 40, 30_000);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.ended, { completed: 40 });
    assert.ok(report.epochs > 3, `took the partition again: ${report.epochs} epochs`);
    await agent.drain();
    await orchestrator.close();
  });

  it('stays right when two orchestrators believe that they own the same partition (R3, R4)', async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    // Two groups: each gives its member every partition, which is what a broker that lost its mind would do.
    const first = await rig.orchestrator(logs.open(), { group: 'one' });
    const second = await rig.orchestrator(logs.open(), { group: 'two' });
    const agent = await rig.agent(logs.open());
    const log = logs.open();
    for (let n = 0; n < 20; n += 1) await rig.submit(log, `job-${n}`);
    const during = await rig.settled(log, 20, 3_000);
    await second.close();
    const report = await rig.settled(log, 20, 20_000);
    assert.ok(during.epochs > 2, 'they fought');
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.ended, { completed: 20 });
    await agent.drain();
    await first.close();
  });

  it('gives agents their whole time for what it asks of them after an outage of its own, in which claims came', async (t) => {
    let nowMs = 1_000_000;
    const logs = new MemoryLogStore({ topics: [topics.quarantine, topics.verified, topics.deadLetter].map((name) => ({ name, partitions: 1 })), clock: () => nowMs });
    const rig = new NoopRig(1);
    const log = logs.open();
    // Four minutes of submissions that nobody judges: longer than all attempts of a step together may take.
    for (let n = 0; n < 24; n += 1) {
      await rig.submit(log, `job-${n}`);
      nowMs += 10_000;
    }
    const agent = await rig.agent(logs.open());
    t.after(() => agent.drain());
    const orchestrator = await rig.orchestrator(logs.open());
    t.after(() => orchestrator.close());
    const report = await rig.settled(log, 24, 30_000);
    assert.deepEqual(report.ended, { completed: 24 });
    assert.deepEqual(report.facts.filter(({ fact }) => fact.type === 'AttemptFailed'), []);
  });

  it('decides on where each append takes longer than it may be behind, and begins an epoch for each batch at the most', async (t) => {
    let nowMs = 1_000_000;
    const logs = new MemoryLogStore({ topics: [topics.quarantine, topics.verified, topics.deadLetter].map((name) => ({ name, partitions: 1 })), clock: () => (nowMs += 6_000) });
    const rig = new NoopRig(1);
    const log = logs.open();
    for (let n = 0; n < 24; n += 1) await rig.submit(log, `job-${n}`);
    const orchestrator = await rig.orchestrator(logs.open());
    t.after(() => orchestrator.close());
    const accepted = () => orchestrator.partitions()[0]?.state?.jobs.size ?? 0;
    for (const untilMs = Date.now() + 20_000; accepted() < 24 && Date.now() < untilMs;) await sleep(5);
    assert.equal(accepted(), 24);
    const epochs = logs.slice({ topic: topics.verified, partition: 0, from: 0, until: logs.range(topics.verified, 0).next, bytesMax: Infinity }).filter(({ value }) => rig.codec.peek(value)?.type === 'EpochStarted').length;
    assert.ok(epochs >= 2 && epochs <= 6, `${epochs} epochs`);
  });

  it('restores a partition from its newest checkpoint and goes on where it was (R3)', async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    const first = await rig.orchestrator(logs.open());
    const log = logs.open();
    for (let n = 0; n < 10; n += 1) await rig.submit(log, `job-${n}`);
    while ((first.partitions()[0]?.openJobs ?? 0) < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    await first.close();
    const second = await rig.orchestrator(logs.open());
    const agent = await rig.agent(logs.open());
    const report = await rig.settled(log, 10, 30_000);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.ended, { completed: 10 });
    assert.equal(report.epochs, 2);
    await agent.drain();
    await second.close();
  });

  it('restores what another version wrote, whose schema ids it learns on the way', async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    const schemas = composeSchemas(join(projectRoot, 'schemas'));
    const registered = new Map<number, unknown>(schemas.map(({ name, avro }) => [rig.codec.fingerprintOf(name as EventType).readInt32BE(0) & 0x7fffffff, avro]));
    const version = (firstId: number) => {
      const codec = new EventCodec();
      for (const [index, { name, avro }] of schemas.entries()) {
        codec.define(name as EventType, avro, firstId + index);
        registered.set(firstId + index, avro);
      }
      return { codec, learn: async (id: number) => { codec.learn(id, registered.get(id)); } };
    };
    const first = await rig.orchestrator(logs.open(), version(1_000));
    for (let n = 0; n < 10; n += 1) await rig.submit(logs.open(), `job-${n}`);
    while ((first.partitions()[0]?.openJobs ?? 0) < 10) await sleep(5);
    await first.close();
    const second = await rig.orchestrator(logs.open(), version(2_000));
    while (!['owning', 'halted'].includes(second.partitions()[0]?.phase ?? '')) await sleep(5);
    assert.deepEqual(second.partitions().map(({ phase, openJobs }) => [phase, openJobs]), [['owning', 10]]);
    await second.close();
  });

  it('renews marker and checkpoint under steady load, in one append each time (R3)', async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    const orchestrator = await rig.orchestrator(logs.open(), { renewAfterRecords: 25 });
    const agent = await rig.agent(logs.open());
    const log = logs.open();
    await Promise.all(Array.from({ length: 60 }, (_, n) => rig.submit(log, `job-${n}`)));
    const report = await rig.settled(log, 60, 30_000);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.ended, { completed: 60 });
    assert.ok(report.epochs >= 4, `${report.epochs} epochs`);
    assert.equal(report.stale, 0);
    await orchestrator.close();
    const heir = await rig.orchestrator(logs.open());
    await rig.submit(log, 'after');
    assert.deepEqual((await rig.settled(log, 61, 30_000)).ended, { completed: 61 });
    await agent.drain();
    await heir.close();
  });

  it('puts bytes that cannot be decoded into the dead letter topic, and the partition goes on', async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    const orchestrator = await rig.orchestrator(logs.open());
    const agent = await rig.agent(logs.open());
    const log = logs.open();
    await log.append({ topic: topics.quarantine, partition: 0, records: [{ key: Buffer.from('x'), value: Buffer.from('garbage') }] });
    await rig.submit(log, 'job-1');
    const report = await rig.settled(log, 1, 30_000);
    assert.deepEqual(report.ended, { completed: 1 });
    assert.equal((await log.ranges(topics.deadLetter))[0]?.next, 1);
    await agent.drain();
    await orchestrator.close();
  });

  it('decides a flood of answers to requests that do not exist yet in few appends, and garbage in few dead letters', async () => {
    const appends = new Map<string, number>();
    const logs = store(1, (topic) => {
      appends.set(topic, (appends.get(topic) ?? 0) + 1);
      return 'ok';
    });
    const rig = new NoopRig(1);
    const log = logs.open();
    const claim = { ...emptyEnvelope, type: 'FailureReported', agent: 'noop', job: 'a'.repeat(32), signer: rig.keyring.signerOf('noop'), requestOffset: 2 ** 40, code: 'x', retryable: true, usage: { modelCalls: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 }, fallbackTaken: '', signature: Buffer.alloc(0) } as const;
    const value = rig.codec.encodeSigned(claim, (fingerprint, body) => rig.keyring.sign(claim.signer, fingerprint, body));
    const records = Array.from({ length: 200 }, (_, index) => ({ key: Buffer.from(claim.job), value: index % 2 === 0 ? value : Buffer.from('garbage') }));
    await log.append({ topic: topics.quarantine, partition: 0, records });
    const orchestrator = await rig.orchestrator(logs.open());
    const report = await rig.settled(log, 0, 30_000);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.refusals, { 'unknown-job': 100 });
    assert.equal((await log.ranges(topics.deadLetter))[0]?.next, 100);
    // Marker, checkpoint, and a few batches.
    assert.ok((appends.get(topics.verified) ?? 0) <= 8, `${appends.get(topics.verified)} appends of facts`);
    assert.ok((appends.get(topics.deadLetter) ?? 0) <= 8, `${appends.get(topics.deadLetter)} appends of dead letters`);
    await orchestrator.close();
  });

  it('lets time move on an idle partition by a signed tick, so that deadlines bite (R8)', async () => {
    const logs = store(1);
    const rig = new NoopRig(1);
    const orchestrator = await rig.orchestrator(logs.open());
    const log = logs.open();
    await rig.submit(log, 'job-1', { deadlineMs: 300 });
    const report = await rig.settled(log, 1, 30_000);
    assert.deepEqual(report.ended, { failed: 1 });
    await orchestrator.close();
  });
});
