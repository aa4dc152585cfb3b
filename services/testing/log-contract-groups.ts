import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Probe, assertHolds, endsNow, nextOf, records, send, span, uniqueGroup, until } from './log-contract-rig.js';
import type { Rig } from './log-contract-rig.js';

/** Long enough for a record that must not come to come. */
const quietMs = 400;

/** Rules of what a member delivers. */
export function deliveryRules(rig: Rig): void {
  test('a member delivers nothing before start, then everything from there, and again from where it starts again', async () => {
    const { topics: { a }, partitions } = rig.subject();
    const { baseOffset } = await send(rig.log(), a, 0, records(10));
    const probe = await Probe.join(rig, rig.log(), { group: uniqueGroup(rig) });
    await probe.ownsAll(partitions);
    await sleep(quietMs);
    assert.equal(probe.delivered.length, 0);
    probe.member.start(a, 0, baseOffset + 4);
    await until('six records', () => probe.delivered.length >= 6);
    const live = await send(rig.log(), a, 0, records(3));
    await until('three more', () => probe.delivered.length >= 9);
    assert.deepEqual(probe.offsets(a, 0), span(baseOffset + 4, 9));
    assertHolds(probe.delivered, live);
    probe.member.start(a, 0, baseOffset + 11);
    await until('the last two again', () => probe.delivered.length >= 11);
    await sleep(quietMs);
    assert.deepEqual(probe.offsets(a, 0).slice(9), span(baseOffset + 11, 2));
    await probe.member.leave();
    assert.deepEqual(probe.halts, []);
  });

  test('start at the end delivers what is appended afterwards, in order', async () => {
    const { topics: { a, b }, partitions } = rig.subject();
    const startAt = await endsNow(rig);
    const probe = await Probe.join(rig, rig.log(), { group: uniqueGroup(rig), startAt });
    await probe.ownsAll(partitions);
    await Promise.all(span(0, 60).map((index) => send(rig.log(), index % 2 === 0 ? a : b, index % partitions, records(1 + (index % 3)))));
    for (const topic of [a, b]) {
      for (const partition of span(0, partitions)) {
        const expected = (await nextOf(rig.log(), topic, partition)) - startAt(topic, partition);
        await until(`all of ${topic}/${String(partition)}`, () => probe.of(topic, partition).length >= expected);
        assert.deepEqual(probe.offsets(topic, partition), span(startAt(topic, partition), expected));
      }
    }
    await probe.member.leave();
  });

  test('a paused partition goes on after resume where it was, or where it is started; others are not held up', async () => {
    const { topics: { a, b }, partitions } = rig.subject();
    const startAt = await endsNow(rig);
    const probe = await Probe.join(rig, rig.log(), { group: uniqueGroup(rig), startAt });
    await probe.ownsAll(partitions);
    probe.member.pause(a, 0);
    await sleep(quietMs);
    await send(rig.log(), a, 0, records(5));
    await send(rig.log(), b, 0, records(5));
    await until('the other topic', () => probe.of(b, 0).length === 5);
    await sleep(quietMs);
    assert.equal(probe.of(a, 0).length, 0);
    probe.member.resume(a, 0);
    await until('the paused one', () => probe.of(a, 0).length >= 5);
    assert.deepEqual(probe.offsets(a, 0), span(startAt(a, 0), 5));
    probe.member.pause(a, 0);
    probe.member.start(a, 0, startAt(a, 0) + 3);
    await until('a start ends the pause', () => probe.of(a, 0).length >= 7);
    assert.deepEqual(probe.offsets(a, 0).slice(5), span(startAt(a, 0) + 3, 2));
    await probe.member.leave();
  });

  test('pausing bounds what is held: about one fetch of a partition still comes', async () => {
    const { topics: { a }, partitions } = rig.subject();
    const batchBytes = 64 * 1024;
    const from = await nextOf(rig.log(), a, 1);
    for (const _ of span(0, 40)) await send(rig.log(), a, 1, records(16, batchBytes / 16));
    const probe: Probe = await Probe.join(rig, rig.log(), {
      group: uniqueGroup(rig), bytesPerPartitionMax: batchBytes, onBatch: () => { probe.member.pause(a, 1); },
    });
    await probe.ownsAll(partitions);
    probe.member.start(a, 1, from);
    await until('a first batch', () => probe.delivered.length > 0);
    await sleep(quietMs);
    assert.ok(probe.delivered.length <= 4 * 16, `${String(probe.delivered.length)} of 640 records came through a pause`);
    const resume = setInterval(() => { probe.member.resume(a, 1); }, 10);
    await until('all of them', () => probe.delivered.length >= 640).finally(() => { clearInterval(resume); });
    assert.deepEqual(probe.offsets(a, 1), span(from, 640));
    await probe.member.leave();
  });

  for (const side of ['below', 'above'] as const) {
    test(`a start ${side} the log halts the member and delivers nothing`, async () => {
      const { topics: { a }, partitions } = rig.subject();
      const range = (await rig.log().ranges(a))[0];
      assert.ok(range !== undefined);
      const probe = await Probe.join(rig, rig.log(), { group: uniqueGroup(rig) });
      await probe.ownsAll(partitions);
      probe.member.start(a, 0, side === 'below' ? range.low - 1 : range.next + 1000);
      await until('a halt', () => probe.halts.length > 0);
      assert.equal((probe.halts[0] as Error & { code?: string }).code, 'LOG_OUT_OF_RANGE');
      assert.equal(probe.delivered.length, 0);
      assert.equal(probe.halts.length, 1);
      await probe.member.leave();
    });
  }

  test('a member that left delivers nothing more', async () => {
    const { topics: { a }, partitions } = rig.subject();
    const probe = await Probe.join(rig, rig.log(), { group: uniqueGroup(rig), startAt: await endsNow(rig) });
    await probe.ownsAll(partitions);
    await probe.member.leave();
    const before = probe.delivered.length;
    await send(rig.log(), a, 0, records(3));
    await sleep(quietMs);
    assert.equal(probe.delivered.length, before);
  });
}

/** Rules of sharing partitions and storing positions. */
export function groupRules(rig: Rig): void {
  test('members share the partitions, the same of both topics, and what is kept goes on without a gap or a repeat', async () => {
    const { topics: { a, b }, partitions } = rig.subject();
    const group = uniqueGroup(rig);
    const startAt = await endsNow(rig);
    const [firstLog, secondLog] = await Promise.all([rig.subject().open(), rig.subject().open()]);
    const first = await Probe.join(rig, firstLog, { group, startAt });
    await first.ownsAll(partitions);
    let writing = true;
    const writer = (async () => {
      for (let index = 0; writing; index += 1) {
        await Promise.all([a, b].map((topic) => send(rig.log(), topic, index % partitions, records(1))));
        await sleep(2);
      }
    })();
    const second = await Probe.join(rig, secondLog, { group, startAt });
    await until('both have a share', () => first.owned.size + second.owned.size === partitions && second.owned.size > 0 && first.owned.size > 0);
    assert.deepEqual([...first.owned, ...second.owned].sort((x, y) => x - y), span(0, partitions));
    assert.ok(Math.abs(first.owned.size - second.owned.size) <= 1);
    const kept = span(0, partitions).filter((partition) => second.assignments.every(({ lost }) => !lost.includes(partition)) && second.owned.has(partition));
    await until('the second delivers', () => second.delivered.length > 0);
    await first.member.leave();
    await second.ownsAll(partitions);
    writing = false;
    await writer;
    for (const topic of [a, b]) {
      for (const partition of span(0, partitions)) {
        const expected = (await nextOf(rig.log(), topic, partition)) - startAt(topic, partition);
        await until(`the second has all of ${topic}/${String(partition)}`, () => second.offsets(topic, partition).at(-1) === startAt(topic, partition) + expected - 1);
        if (kept.includes(partition)) assert.deepEqual(second.offsets(topic, partition), span(startAt(topic, partition), expected));
      }
    }
    assert.deepEqual([first.stray.length, second.stray.length], [0, 0], 'records of partitions that were not owned');
    const generations = second.assignments.map(({ generation }) => generation);
    assert.ok(generations.every((generation, index) => index === 0 || generation > (generations[index - 1] as number)), generations.join(' '));
    await Promise.all([firstLog.close(), secondLog.close()]);
  });

  test('a group stores positions with their metadata, and gives them to its next member', async () => {
    const { topics: { a, b }, partitions } = rig.subject();
    const group = uniqueGroup(rig);
    const metadata = JSON.stringify({ epoch: 12, digest: 'ab'.repeat(32) });
    const first = await Probe.join(rig, rig.log(), { group, startAt: await endsNow(rig) });
    await first.ownsAll(partitions);
    assert.equal((await first.member.committed(a, span(0, partitions))).size, 0);
    await first.member.commit([{ topic: a, partition: 0, offset: 1, metadata }, { topic: b, partition: 1, offset: 0, metadata: '' }]);
    await first.member.commit([{ topic: a, partition: 0, offset: 2, metadata }]);
    await first.member.leave();
    const second = await Probe.join(rig, rig.log(), { group });
    await second.ownsAll(partitions);
    assert.deepEqual([...await second.member.committed(a, span(0, partitions))], [[0, { topic: a, partition: 0, offset: 2, metadata }]]);
    assert.deepEqual([...await second.member.committed(b, [1])], [[1, { topic: b, partition: 1, offset: 0, metadata: '' }]]);
    assert.equal((await second.member.committed(b, [0])).size, 0);
    await second.member.leave();
  });

  test('leaves out positions of partitions that are not the member’s own', async () => {
    const { topics: { a }, partitions } = rig.subject();
    const group = uniqueGroup(rig);
    const other = await rig.subject().open();
    const probes = [await Probe.join(rig, rig.log(), { group }), await Probe.join(rig, other, { group })];
    await until('both have a share', () => probes.reduce((sum, { owned }) => sum + owned.size, 0) === partitions && probes.every(({ owned }) => owned.size > 0));
    const [owner, stranger] = probes as [Probe, Probe];
    await stranger.member.commit(span(0, partitions).map((partition) => ({ topic: a, partition, offset: 1, metadata: 'stranger' })));
    const stored = await owner.member.committed(a, span(0, partitions));
    assert.deepEqual([...stored.keys()].sort((x, y) => x - y), [...stranger.owned].sort((x, y) => x - y));
    await owner.member.leave();
    await other.close();
  });

  test('a heartbeat succeeds while the member runs', async () => {
    const probe = await Probe.join(rig, rig.log(), { group: uniqueGroup(rig), startAt: await endsNow(rig) });
    await probe.ownsAll(rig.subject().partitions);
    await probe.member.heartbeat();
    await probe.member.leave();
  });
}
