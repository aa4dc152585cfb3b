import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../topics/topics.js';
import type { RecordToAppend } from '../runtime/log/port.js';
import { assertHolds, nextOf, readAll, records, send, span } from './log-contract-rig.js';
import type { Rig } from './log-contract-rig.js';

/** Rules of appending. */
export function appendRules(rig: Rig): void {
  test('an append lands whole, contiguous, at the offset that it answers', async () => {
    const { topics: { a } } = rig.subject();
    const before = await nextOf(rig.log(), a, 0);
    const first = await send(rig.log(), a, 0, records(1));
    const second = await send(rig.log(), a, 0, records(limits.batchRecordsMax));
    assert.equal(first.baseOffset, before);
    assert.equal(second.baseOffset, before + 1);
    const found = await readAll(rig.log(), { topic: a, partition: 0, from: before });
    assert.deepEqual(found.map(({ offset }) => offset), span(before, 1 + limits.batchRecordsMax));
    assertHolds(found, first);
    assertHolds(found, second);
  });

  test('appends to one partition land in the order of the calls', async () => {
    const { topics: { a } } = rig.subject();
    const before = await nextOf(rig.log(), a, 1);
    const sent = await Promise.all(span(0, 120).map((index) => send(rig.log(), a, 1, records(1 + (index % 4)))));
    let expected = before;
    for (const one of sent) {
      assert.equal(one.baseOffset, expected);
      expected += one.sent.length;
    }
    const found = await readAll(rig.log(), { topic: a, partition: 1, from: before });
    assert.equal(found.length, expected - before);
    for (const one of sent) assertHolds(found, one);
  });

  test('appends to several partitions and topics at once stay apart', async () => {
    const { topics: { a, b }, partitions } = rig.subject();
    const places = [a, b].flatMap((topic) => span(0, partitions).map((partition) => ({ topic, partition })));
    const before = await Promise.all(places.map(({ topic, partition }) => nextOf(rig.log(), topic, partition)));
    const sent = await Promise.all(span(0, 40).flatMap(() => places.map(({ topic, partition }) => send(rig.log(), topic, partition, records(2)))));
    for (const [place, { topic, partition }] of places.entries()) {
      const mine = sent.filter((_, index) => index % places.length === place);
      assert.deepEqual(mine.map(({ baseOffset }) => baseOffset), mine.map((_, index) => (before[place] as number) + 2 * index));
      const found = await readAll(rig.log(), { topic, partition, from: before[place] as number });
      for (const one of mine) assertHolds(found, one);
    }
  });

  test('refuses what is too large or empty without a trace, and takes the next append', async () => {
    const { topics: { a } } = rig.subject();
    const before = await nextOf(rig.log(), a, 0);
    const halfBytes = Math.floor(limits.batchBytesMax / 2);
    const tooLarge: readonly RecordToAppend[][] = [records(limits.batchRecordsMax + 1), records(1, limits.recordBytesMax + 1), records(3, halfBytes)];
    const answers = tooLarge.map((sent) => rig.log().append({ topic: a, partition: 0, records: sent }));
    const [next] = await Promise.all([
      send(rig.log(), a, 0, records(1, limits.recordBytesMax)),
      ...answers.map((answer) => assert.rejects(answer, { code: 'APPEND_TOO_LARGE' })),
      assert.rejects(rig.log().append({ topic: a, partition: 0, records: [] }), { code: 'APPEND_REFUSED' }),
    ]);
    assert.equal(next.baseOffset, before);
    const found = await readAll(rig.log(), { topic: a, partition: 0, from: before });
    assert.equal(found.length, 1);
    assertHolds(found, next);
  });

  test('says when a record was appended, the same to the writer and to readers', async () => {
    const { topics: { b } } = rig.subject();
    const slackMs = 5000;
    const startedMs = Date.now();
    const first = await send(rig.log(), b, 0, records(1));
    const second = await send(rig.log(), b, 0, records(2));
    assert.ok(first.appendTimeMs >= startedMs - slackMs && second.appendTimeMs <= Date.now() + slackMs);
    assert.ok(second.appendTimeMs >= first.appendTimeMs);
    const found = await readAll(rig.log(), { topic: b, partition: 0, from: first.baseOffset });
    assert.deepEqual(found.map(({ appendTimeMs }) => appendTimeMs), [first.appendTimeMs, second.appendTimeMs, second.appendTimeMs]);
  });

  test('10,000 records come back byte for byte', async () => {
    const { topics: { b } } = rig.subject();
    const from = await nextOf(rig.log(), b, 1);
    const sent = await Promise.all(span(0, 50).map(() => send(rig.log(), b, 1, records(200, 384))));
    const found = await readAll(rig.log(), { topic: b, partition: 1, from });
    assert.equal(found.length, 10_000);
    for (const one of sent) assertHolds(found, one);
    assert.ok(found.every(({ topic, partition }) => topic === b && partition === 1));
  });

  test('closing answers every append that is under way, one way or another', async () => {
    const { topics: { a } } = rig.subject();
    const other = await rig.subject().open();
    const before = await nextOf(other, a, 0);
    const answers = span(0, 50).map(() => send(other, a, 0, records(3)));
    const settled = Promise.allSettled(answers);
    await other.close();
    const outcomes = await settled;
    const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code?: string }).code] : []));
    assert.ok(codes.every((code) => code === 'APPEND_UNKNOWN' || code === 'APPEND_REFUSED'), codes.join(' '));
    const again = await rig.subject().open();
    const found = await readAll(again, { topic: a, partition: 0, from: before });
    for (const one of outcomes) if (one.status === 'fulfilled') assertHolds(found, one.value);
    await again.close();
    await assert.rejects(send(other, a, 0, records(1)), { code: 'APPEND_REFUSED' });
  });
}

/** Rules of reading without a group. */
export function readRules(rig: Rig): void {
  test('reads from an offset up to, and without, another', async () => {
    const { topics: { a } } = rig.subject();
    const { baseOffset } = await send(rig.log(), a, 0, records(20));
    const offsets = async (from: number, end?: number): Promise<number[]> => (await readAll(rig.log(), {
      topic: a, partition: 0, from, ...(end === undefined ? {} : { until: end }),
    })).map(({ offset }) => offset);
    assert.deepEqual(await offsets(baseOffset + 3, baseOffset + 7), span(baseOffset + 3, 4));
    assert.deepEqual(await offsets(baseOffset + 15), span(baseOffset + 15, 5));
    assert.deepEqual(await offsets(baseOffset + 5, baseOffset + 5), []);
    assert.deepEqual(await offsets(baseOffset + 20), []);
  });

  test('ends where the log ended at the call, also when it is to read further', { timeout: 20_000 }, async () => {
    const { topics: { a } } = rig.subject();
    const { baseOffset } = await send(rig.log(), a, 0, records(3));
    const found = async (from: number): Promise<number[]> => (await readAll(rig.log(), { topic: a, partition: 0, from, until: from + 10 })).map(({ offset }) => offset);
    assert.deepEqual(await found(baseOffset + 1), span(baseOffset + 1, 2));
    assert.deepEqual(await found(baseOffset + 3), []);
  });

  test('refuses to read outside of the log, on either side', async () => {
    const { topics: { a } } = rig.subject();
    const range = (await rig.log().ranges(a))[0];
    assert.ok(range !== undefined);
    for (const from of [range.low - 1, range.next + 1]) {
      await assert.rejects(readAll(rig.log(), { topic: a, partition: 0, from }), { code: 'LOG_OUT_OF_RANGE' });
    }
  });

  test('gives one range per partition, by number', async () => {
    const { topics: { a, b }, partitions } = rig.subject();
    for (const topic of [a, b]) {
      const ranges = await rig.log().ranges(topic);
      assert.deepEqual(ranges.map(({ partition }) => partition), span(0, partitions));
      assert.ok(ranges.every(({ low, next }) => low >= 0 && low <= next));
    }
  });
}
