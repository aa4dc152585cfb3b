import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeSchemas } from '../../../schemas/compose.js';
import { embeddedCodec } from '../codec/embedded-codec.js';
import type { BlackboardError } from '../errors.js';
import { projectRoot } from '../project-root.js';
import type { Position } from './position.js';
import { parsePosition, positionMetadata } from './position.js';
import { testJob, until, VerifiedFixture } from './testing-verified.js';
import type { VerifiedFact } from './verified-facts.js';
import { VerifiedReader, type Gained, type VerifiedReaderOptions } from './verified-reader.js';

async function read(fixture: VerifiedFixture, over: Partial<VerifiedReaderOptions> = {}) {
  const facts: VerifiedFact[] = [];
  const gained: Gained[] = [];
  const halts: Error[] = [];
  const seen = { next: 0, position: null as Position | null, positions: new Map<number, Position>() };
  const log = fixture.store.open();
  const reader = new VerifiedReader({
    log, codec: fixture.codec, group: 'g', topic: fixture.topics.verified,
    handler: {
      onGained: (begin) => gained.push(begin), onLost: () => undefined, onHalt: (error) => halts.push(error),
      onBatch: (batch) => {
        facts.push(...batch.facts);
        for (let offset = batch.first; offset <= batch.next; offset += 1) seen.positions.set(offset, batch.positionAt(offset));
        seen.next = batch.next;
        seen.position = batch.positionAt(batch.next);
      },
    },
    ...over,
  });
  await reader.join();
  await until(() => gained.length > 0 || halts.length > 0, 'an assignment');
  return { reader, log, facts, gained, halts, seen, offsets: () => facts.map((fact) => fact.record.offset) };
}

const code = (error: Error | undefined): string | undefined => (error as BlackboardError | undefined)?.code;

test('delivers a fact if and only if its epoch is the newest marker before it (R3)', async () => {
  const fixture = new VerifiedFixture();
  fixture.fact('TickObserved', { epoch: -1 });
  const first = fixture.marker();
  const kept = fixture.fact('TickObserved');
  const second = fixture.marker();
  fixture.fact('TickObserved', { epoch: first });
  const last = fixture.fact('TickObserved');
  const { offsets, reader, seen } = await read(fixture);
  await until(() => seen.next === 6, 'the end');
  assert.deepEqual(offsets(), [first, kept, second, last]);
  await reader.leave();
});

test('delivers stale facts, marked, to a reader that asks for them', async () => {
  const fixture = new VerifiedFixture();
  const first = fixture.marker();
  fixture.marker();
  fixture.fact('TickObserved', { epoch: first });
  const { facts, reader, seen } = await read(fixture, { includesStale: true });
  await until(() => seen.next === 3, 'the end');
  assert.deepEqual(facts.map((fact) => fact.counts), [true, true, false]);
  await reader.leave();
});

test('resumes at every possible position with the same facts as a reader that never stopped (R7)', async () => {
  const fixture = new VerifiedFixture();
  const first = fixture.marker();
  fixture.fact('TickObserved');
  fixture.marker();
  fixture.fact('TickObserved', { epoch: first });
  fixture.fact('TickObserved');
  fixture.marker();
  fixture.fact('TickObserved', { epoch: first });
  fixture.fact('TickObserved');
  const whole = await read(fixture);
  await until(() => whole.seen.next === 8, 'the end');
  for (const [offset, position] of whole.seen.positions) {
    const stored = parsePosition(position.offset, positionMetadata(position));
    const again = await read(fixture, { group: `again-${offset}`, storedPositions: async () => new Map([[0, stored]]) });
    assert.equal(again.gained[0]?.thenEnd, 8);
    await until(() => again.seen.next === 8 || offset === 8, 'the end');
    assert.deepEqual(again.offsets(), whole.offsets().filter((at) => at >= offset));
    await again.reader.leave();
  }
  await whole.reader.leave();
});

test('halts when the record at its position is another one than it read', async () => {
  const fixture = new VerifiedFixture();
  fixture.marker();
  fixture.fact('TickObserved');
  const { halts, facts } = await read(fixture, { storedPositions: async () => new Map([[0, { offset: 2, epoch: 0, digest: 'ab'.repeat(32) }]]) });
  await until(() => halts.length > 0, 'the halt');
  assert.equal(code(halts[0]), 'LOG_POSITION_CHANGED');
  assert.equal(facts.length, 0);
});

test('halts when its position is beyond the log, and skips nothing', async () => {
  const fixture = new VerifiedFixture();
  fixture.marker();
  const { halts } = await read(fixture, { storedPositions: async () => new Map([[0, { offset: 9, epoch: 0, digest: 'ab'.repeat(32) }]]) });
  await until(() => halts.length > 0, 'the halt');
  assert.equal(code(halts[0]), 'LOG_OUT_OF_RANGE');
});

test('halts on a committed position without epoch and digest', async () => {
  const fixture = new VerifiedFixture();
  fixture.marker();
  const log = fixture.store.open();
  const member = await log.join({ group: 'g', topics: [fixture.topics.verified], onAssigned: () => undefined, onBatch: () => undefined, onHalt: () => undefined });
  await member.commit([{ topic: fixture.topics.verified, partition: 0, offset: 1, metadata: '' }]);
  await member.leave();
  const { halts } = await read(fixture);
  await until(() => halts.length > 0, 'the halt');
  assert.equal(code(halts[0]), 'LOG_POSITION_CHANGED');
});

test('begins at a time with the epoch in force there, learnt from the marker that the record names', async () => {
  let nowMs = 0;
  const fixture = new VerifiedFixture({ clock: () => nowMs });
  const first = fixture.marker();
  for (let index = 0; index < 20; index += 1) fixture.fact('TickObserved');
  fixture.marker();
  fixture.fact('TickObserved');
  nowMs = 1_000;
  const zombie = fixture.fact('TickObserved', { epoch: first });
  const live = fixture.fact('TickObserved');
  const { offsets, seen, reader, gained } = await read(fixture, { startAtMs: 500 });
  await until(() => seen.next === live + 1, 'the end');
  assert.equal(gained[0]?.position.offset, zombie);
  assert.deepEqual(offsets(), [live]);
  await reader.leave();
});

test('commits positions from which another member of the group goes on', async () => {
  const fixture = new VerifiedFixture();
  fixture.marker();
  fixture.fact('TickObserved', { job: testJob(1) });
  const one = await read(fixture);
  await until(() => one.seen.next === 2, 'the end');
  await one.reader.commit(new Map([[0, one.seen.position as Position]]));
  await one.reader.leave();
  fixture.fact('TickObserved', { job: testJob(2) });
  const two = await read(fixture);
  await until(() => two.seen.next === 3, 'the rest');
  assert.deepEqual(two.offsets(), [2]);
  await two.reader.leave();
});

test('learns an unknown schema id and delivers on in order; without a way to learn it halts', async () => {
  const fixture = new VerifiedFixture();
  fixture.marker();
  const known = fixture.encode('TickObserved', { epoch: 0 });
  const foreign = Buffer.from(known);
  foreign.writeInt32BE(4242, 1);
  fixture.store.write({ topic: fixture.topics.verified, partition: 0, records: [{ key: Buffer.alloc(0), value: foreign }] });
  fixture.fact('TickObserved');
  const halting = await read(fixture, { group: 'halting' });
  await until(() => halting.halts.length > 0, 'the halt');
  assert.equal(code(halting.halts[0]), 'SCHEMA_UNKNOWN');
  const { composeSchemas } = await import('../../../schemas/compose.js');
  const { projectRoot } = await import('../project-root.js');
  const avro = composeSchemas(`${projectRoot}/schemas`).find((schema) => schema.name === 'TickObserved')?.avro;
  const learning = await read(fixture, { group: 'learning', learn: async (id) => fixture.codec.learn(id, avro) });
  await until(() => learning.seen.next === 3, 'the end');
  assert.deepEqual(learning.offsets(), [0, 1, 2]);
  await learning.reader.leave();
});

/** A fixture whose facts of one kind were written under a schema id that `learn` alone knows. */
function foreignFixture(clock: () => number = Date.now) {
  const fixture = new VerifiedFixture({ clock });
  const foreign = (): number => {
    const value = Buffer.from(fixture.encode('TickObserved', { epoch: 0 }));
    value.writeInt32BE(4242, 1);
    return fixture.store.write({ topic: fixture.topics.verified, partition: 0, records: [{ key: Buffer.alloc(0), value }] }).baseOffset;
  };
  const avro = composeSchemas(join(projectRoot, 'schemas')).find((schema) => schema.name === 'TickObserved')?.avro;
  const fresh = () => ({ codec: embeddedCodec(join(projectRoot, 'schemas')) });
  const learning = ({ codec } = fresh()) => ({ codec, learn: async (id: number) => { codec.learn(id, avro); } });
  return { fixture, foreign, learning, fresh };
}

test('learns the schema of the record that it read last before it compares the two', async () => {
  const { fixture, foreign, learning } = foreignFixture();
  fixture.marker();
  foreign();
  const one = await read(fixture, learning());
  await until(() => one.seen.next === 2, 'the end');
  await one.reader.commit(new Map([[0, one.seen.position as Position]]));
  await one.reader.leave();
  const next = fixture.fact('TickObserved');
  const two = await read(fixture, learning());
  await until(() => two.seen.next === 3 || two.halts.length > 0, 'the rest');
  assert.deepEqual([two.offsets(), two.halts], [[next], []]);
  await two.reader.leave();
});

test('learns the schema of the record that names the epoch at a time, or halts: it does not begin without an epoch', async () => {
  let nowMs = 0;
  const { fixture, foreign, learning, fresh } = foreignFixture(() => nowMs);
  fixture.marker();
  nowMs = 1_000;
  const first = foreign();
  const last = fixture.fact('TickObserved');
  const knowing = await read(fixture, { ...learning(), group: 'knowing', startAtMs: 500 });
  await until(() => knowing.seen.next === last + 1, 'the end');
  assert.deepEqual(knowing.offsets(), [first, last]);
  await knowing.reader.leave();
  const halting = await read(fixture, { ...fresh(), group: 'halting', startAtMs: 500 });
  await until(() => halting.halts.length > 0, 'the halt');
  assert.equal(code(halting.halts[0]), 'SCHEMA_UNKNOWN');
});

test('takes no more from the log while it learns a schema than what was on its way', async () => {
  const fixture = new VerifiedFixture();
  fixture.marker();
  const foreign = Buffer.from(fixture.encode('TickObserved', { epoch: 0 }));
  foreign.writeInt32BE(4242, 1);
  fixture.store.write({ topic: fixture.topics.verified, partition: 0, records: [{ key: Buffer.alloc(0), value: foreign }] });
  const { composeSchemas } = await import('../../../schemas/compose.js');
  const { projectRoot } = await import('../project-root.js');
  const avro = composeSchemas(`${projectRoot}/schemas`).find((schema) => schema.name === 'TickObserved')?.avro;
  const log = fixture.store.open();
  let taken = 0;
  let answer = (): void => undefined;
  const { offsets, seen, reader } = await read(fixture, {
    log: { append: (batch) => log.append(batch), read: (options) => log.read(options), ranges: (topic) => log.ranges(topic), close: () => log.close(), join: (membership) => log.join({ ...membership, onBatch: (records) => { taken += records.length; membership.onBatch(records); } }) },
    learn: (id) => new Promise<void>((resolve) => { answer = () => { fixture.codec.learn(id, avro); resolve(); }; }),
  });
  await until(() => taken === 2, 'the unknown record');
  for (let round = 0; round < 20; round += 1) {
    fixture.fact('TickObserved');
    reader.pause();
    reader.resume();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(taken <= 3, `${taken} records were taken`);
  answer();
  await until(() => seen.next === 22, 'the end');
  assert.deepEqual(offsets(), Array.from({ length: 22 }, (_, offset) => offset));
  await reader.leave();
});
