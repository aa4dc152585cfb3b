import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { topicNames, type TopicName } from '../topics/topics.js';
import { contracts } from '../workflows/contracts.js';
import { composeSchemas } from '../schemas/compose.js';
import type { EventType } from '../schemas/generated/events.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import { EventCodec } from '../services/runtime/codec/event-codec.js';
import type { LogRecord } from '../services/runtime/log/port.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { verifyLog } from '../services/verify/verify-log.js';
import { frame, HeldLog, readGolden, writeHeader } from './golden-file.js';
import type { RecordedBlackboard } from './readable-log.js';
import { openRecordedFile, writeRecordedFile } from './recorded-file.js';
import { replayLog } from './replay.js';
import { decidedAgain } from './take-again.js';

const schemasDir = join(projectRoot, 'schemas');
const about = { name: 'test', reason: 'a test' };
let folder: string;
let golden: RecordedBlackboard;

async function recordsOf({ log, topics }: RecordedBlackboard): Promise<readonly Omit<LogRecord, 'topic'>[]> {
  const found: Omit<LogRecord, 'topic'>[] = [];
  for (const topic of [topics.quarantine, topics.verified]) {
    for (const { partition } of await log.ranges(topic)) {
      for await (const batch of log.read({ topic, partition, from: 0 })) for (const { topic: _topic, ...record } of batch) found.push({ ...record, key: Buffer.from(record.key), value: Buffer.from(record.value) });
    }
  }
  return found;
}

const foreignIds = 1_000;

/** The golden log as a broker with a registry of its own would hold it: other topics, other schema ids. */
async function asOnKafka(): Promise<RecordedBlackboard> {
  const topics = topicNames('acme.');
  const codec = new EventCodec();
  composeSchemas(schemasDir).forEach((schema, index) => { codec.define(schema.name as EventType, schema.avro, index + 1); });
  const { topics: from } = golden;
  const log = new HeldLog(topics, (await golden.log.ranges(from.verified)).length);
  for (const [source, target] of [[from.quarantine, topics.quarantine], [from.verified, topics.verified]] as readonly (readonly [TopicName, TopicName])[]) {
    for (const { partition } of await golden.log.ranges(source)) {
      for await (const batch of golden.log.read({ topic: source, partition, from: 0 })) {
        for (const { appendTimeMs, key, value } of batch) {
          const reframed = Buffer.from(value);
          if (golden.codec.decode(value).ok) {
            // By the schema that it was written with, which may be an older one.
            const id = value.readInt32BE(1);
            if (!codec.knows(foreignIds + id)) codec.learn(foreignIds + id, golden.codec.schemaOf(id));
            reframed.writeInt32BE(foreignIds + id, 1);
          }
          log.add(target, partition, { appendTimeMs, key, value: reframed });
        }
      }
    }
  }
  return { log, topics, codec };
}

describe('a recorded file', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recorded-file-'));
    const topics = topicNames();
    golden = { log: readGolden(await readFile(join(projectRoot, 'replay/golden/noop.golden')), topics).log, topics, codec: embeddedCodec(schemasDir) };
  });
  after(() => rm(folder, { recursive: true }));

  it('gives back every record of both namespaces, and verifies and replays as the log does', async () => {
    const path = join(folder, 'whole');
    const written = await writeRecordedFile(path, golden, about);
    const recorded = await openRecordedFile(path);
    assert.deepEqual(await recordsOf(recorded), await recordsOf(golden));
    const report = await verifyLog({ ...recorded, again: decidedAgain(recorded, { contracts }) });
    assert.deepEqual([report.ok, report.figures.claims, report.figures.facts], [true, written.claims, written.facts]);
    assert.equal((await replayLog({ ...recorded, contracts })).firstDivergence, null);
  });

  it('explains itself: the file of a log with other topics and schema ids needs no registry', async () => {
    const path = join(folder, 'foreign');
    const foreign = await asOnKafka();
    await writeRecordedFile(path, foreign, about);
    const recorded = await openRecordedFile(path);
    assert.equal(recorded.topics.verified, 'acme.verified');
    assert.deepEqual(await recordsOf(recorded), await recordsOf(foreign));
    const report = await verifyLog({ ...recorded, again: decidedAgain(recorded, { contracts }) });
    assert.deepEqual(report.rows.filter(({ result }) => result === 'FAIL'), []);
    assert.ok(report.figures.decisions > 10);
  });

  it('takes decisions again with schemas that no record was written with, under ids that none can have', async () => {
    const codec = new EventCodec();
    const schemas = composeSchemas(schemasDir);
    schemas.forEach(({ name, avro }, index) => { codec.define(name as EventType, avro, -1 - index); });
    const ids = new Set((await recordsOf(golden)).filter(({ value }) => golden.codec.decode(value).ok).map(({ value }) => value.readInt32BE(1)));
    for (const id of ids) codec.learn(id, golden.codec.schemaOf(id));
    const report = await replayLog({ ...golden, codec, contracts });
    assert.deepEqual([report.firstDivergence, report.decisions > 10], [null, true]);
  });

  it("is its owner's alone from the first byte, whole under its name, and leaves nothing behind that failed", async () => {
    const own = await mkdtemp(join(folder, 'own-'));
    const path = join(own, 'kept');
    let modes: readonly number[] = [];
    let stop: ((there: readonly string[]) => void) | null = (there) => { if (there.length > 0) throw new Error('the disk is gone'); };
    const log: RecordedBlackboard['log'] = {
      ranges: (topic) => golden.log.ranges(topic),
      close: () => golden.log.close(),
      async *read(options) {
        const there = await readdir(own);
        modes = [...modes, ...await Promise.all(there.map(async (name) => (await stat(join(own, name))).mode & 0o777))];
        stop?.(there);
        yield* golden.log.read(options);
      },
    };
    await assert.rejects(writeRecordedFile(path, { ...golden, log }, about), { message: 'the disk is gone' });
    assert.deepEqual(await readdir(own), []);
    const stopped = new AbortController();
    stop = (there) => { if (there.length > 0) stopped.abort(); };
    await assert.rejects(writeRecordedFile(path, { ...golden, log }, about, stopped.signal), { name: 'AbortError' });
    assert.deepEqual(await readdir(own), []);
    stop = null;
    await Promise.all([1, 2].map(() => writeRecordedFile(path, { ...golden, log }, about)));
    assert.deepEqual([await readdir(own), [...new Set(modes)], (await stat(path)).mode & 0o777], [['kept'], [0o600], 0o600]);
    assert.deepEqual(await recordsOf(await openRecordedFile(path)), await recordsOf(golden));
  });

  it('refuses what is none, cut or damaged, by name', async () => {
    const path = join(folder, 'cut');
    await writeRecordedFile(path, golden, about);
    const whole = await readFile(path);
    await assert.rejects(openRecordedFile(join(folder, 'nowhere')), { code: 'NOT_FOUND' });
    for (const bytes of [Buffer.alloc(0), Buffer.from('{}'), whole.subarray(0, 20), whole.subarray(0, whole.length - 10), Buffer.concat([whole.subarray(0, whole.length - 40), Buffer.alloc(40)])]) {
      await writeFile(path, bytes);
      await assert.rejects(openRecordedFile(path), { code: 'INPUT_INVALID' });
    }
  });

  it('refuses a header that no log has, and a record that would be gathered until memory ends', async () => {
    const path = join(folder, 'hostile');
    const header = { format: 1 as const, ...about, partitions: 1, jobs: 0 };
    const damaged = [{ partitions: -1 }, { partitions: 1.5 }, { partitions: 1e9 }, { partitions: '1' }, { prefix: '../' }, { schemas: [] }, { schemas: { 1: { type: 'nobody-s' } } }];
    for (const over of damaged) {
      await writeFile(path, Buffer.concat([writeHeader({ ...header, ...over } as unknown as typeof header), gzipSync(Buffer.alloc(0))]));
      await assert.rejects(openRecordedFile(path), { code: 'INPUT_INVALID' }, JSON.stringify(over));
    }
    const head = Buffer.alloc(15 + 4);
    head.writeUInt32BE(0xffff_fff0, 15);
    await writeFile(path, Buffer.concat([writeHeader(header), gzipSync(Buffer.concat([head, Buffer.alloc(3 * 1024 * 1024)]))]));
    await assert.rejects(openRecordedFile(path), { code: 'INPUT_INVALID', message: /a record of 4294967\d+ bytes/ });
  });

  it('refuses an append time that no log gives, and more than memory holds', async () => {
    const path = join(folder, 'times');
    const header = { format: 1 as const, ...about, partitions: 1, jobs: 0 };
    const record = { topic: golden.topics.quarantine, partition: 0, offset: 0, key: Buffer.from('k'), value: Buffer.alloc(100_000) };
    const write = (appendTimeMs: number): Promise<void> => writeFile(path, Buffer.concat([writeHeader(header), gzipSync(frame(0, { ...record, appendTimeMs }))]));
    for (const wrong of [NaN, Infinity, -Infinity, -1, 0.5, 2 ** 53]) {
      await write(wrong);
      await assert.rejects(openRecordedFile(path), { code: 'INPUT_INVALID', message: /a record appended at \S+ ms, which no log says/ }, `${wrong}`);
    }
    await write(1_760_000_000_000);
    assert.equal((await recordsOf(await openRecordedFile(path))).length, 1);
    await assert.rejects(openRecordedFile(path, 50_000), { code: 'INPUT_INVALID', message: /unpacks to more than 50000 bytes/ });
  });
});
