import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { topicNames, type TopicName } from '../topics/topics.js';
import { contracts } from '../workflows/contracts.js';
import { composeSchemas } from '../schemas/compose.js';
import type { EventType } from '../schemas/generated/events.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import { EventCodec } from '../services/runtime/codec/event-codec.js';
import type { LogRecord } from '../services/runtime/log/port.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { verifyLog } from '../services/verify/verify-log.js';
import { HeldLog, readGolden } from './golden-file.js';
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
          const decoded = golden.codec.decode(value);
          const id = decoded.ok ? composeSchemas(schemasDir).findIndex((schema) => schema.name === decoded.event.type) + 1 : 0;
          const reframed = Buffer.from(value);
          if (decoded.ok) reframed.writeInt32BE(id, 1);
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
});
