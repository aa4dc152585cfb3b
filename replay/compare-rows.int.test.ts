import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeSchemas } from '../schemas/compose.js';
import type { EventType } from '../schemas/generated/events.js';
import { migrate } from '../infra/sql/migrate.js';
import { topicNames } from '../topics/topics.js';
import { rebuild } from '../services/projector/rebuild.js';
import { runProjector } from '../services/projector/run-projector.js';
import { codec, openTestLog, projectorOptions, untilRows, verified } from '../services/projector/testing/projection-setup.js';
import { sampleFact } from '../services/projector/testing/sample-facts.js';
import { EventCodec } from '../services/runtime/codec/event-codec.js';
import type { Database } from '../services/runtime/database.js';
import { openEmbeddedLog } from '../services/runtime/log/embedded/embedded-log.js';
import { openPgliteDatabase } from '../services/runtime/postgres/pglite-database.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { NoopRig } from '../services/testing/noop-rig.js';
import { jobId } from '../services/blackboard/ids.js';
import { compareRows } from './compare-rows.js';
import { runReplay, type ReplayArgs } from './main.js';

const topics = topicNames();

test('a folder is replayed beside its writer, and its rows are compared with the log projected again', { timeout: 60_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'replay-rows-'));
  const log = await openEmbeddedLog({ directory: join(dataDir, 'log'), topics: [{ name: topics.quarantine, partitions: 2 }, { name: topics.verified, partitions: 2 }, { name: topics.control, partitions: 1 }, { name: topics.deadLetter, partitions: 1 }] });
  const rig = new NoopRig(2);
  const orchestrator = await rig.orchestrator(log);
  const agent = await rig.agent(log);
  for (let n = 0; n < 5; n += 1) await rig.submit(log, `job-${n}`);
  await rig.settled(log, 5, 30_000);
  const job = jobId('acme', 'job-3');
  const said: string[] = [];
  const args: ReplayArgs = { source: { mode: 'embedded', dataDir }, out: (text) => said.push(text) };

  assert.equal(await runReplay({ ...args, job }), 0, 'while its writer has it open');
  assert.match(said.join(''), /every decision is the recorded one/);
  assert.match(said.join(''), /JobAccepted[^]*JobEnded/);
  await assert.rejects(runReplay({ ...args, job: jobId('acme', 'none') }), { code: 'NOT_FOUND' });
  await assert.rejects(runReplay({ ...args, job, at: 'e99' }), { code: 'INPUT_INVALID', message: /has \d+ events so far/ });
  await assert.rejects(runReplay({ ...args, database: 'embedded' }), { code: 'LOG_LOCKED' });
  await assert.rejects(runReplay({ ...args, job: 'x' }), { code: 'INPUT_INVALID' });

  const db = await openPgliteDatabase(join(dataDir, 'postgres'));
  await migrate(db);
  await rebuild({ log, codec: rig.codec, db, topic: topics.verified });
  await db.close();
  await agent.drain();
  await orchestrator.close();
  await log.close();
  said.length = 0;
  assert.equal(await runReplay({ ...args, database: 'embedded', json: true }), 0);
  const answer = JSON.parse(said.join('')) as { replay: { jobs: number; divergences: unknown[] }; rows: { equal: boolean; rows: number } };
  assert.equal(answer.replay.jobs, 5);
  assert.deepEqual(answer.replay.divergences, []);
  assert.equal(answer.rows.equal, true);
  assert.ok(answer.rows.rows > 50);

  // The same owner as the migrations: the application itself may not.
  const again = await openPgliteDatabase(join(dataDir, 'postgres'));
  await again.query("UPDATE jobs SET goal = 'another' WHERE job = $1", [job]);
  await again.close();
  said.length = 0;
  assert.equal(await runReplay({ ...args, database: 'embedded' }), 6);
  assert.match(said.join(''), /jobs: 5 rows in the database, 5 projected again/);
  rmSync(dataDir, { recursive: true });
});

test('rows are compared as of one instant while the projector goes on, by a reader that learns the schemas from the log', { timeout: 60_000 }, async () => {
  const { log, fill } = openTestLog(1);
  const db = await openPgliteDatabase();
  await migrate(db);
  let count = await fill(3);
  const projector = await runProjector(projectorOptions(log, db));
  await untilRows(db, count);
  // Nothing stands still between any two questions.
  const moving: Database = {
    ...db,
    transaction: async (work) => {
      const answer = await db.transaction(work);
      count += await fill(1, count);
      await untilRows(db, count);
      return answer;
    },
  };
  // Its own types under ids that no record names.
  const reader = new EventCodec();
  composeSchemas(join(projectRoot, 'schemas')).forEach(({ name, avro }, index) => reader.define(name as EventType, avro, -1 - index));
  const learn = async (id: number): Promise<void> => reader.learn(id, codec.schemaOf(id));
  const rows = await compareRows({ log, topics: { ...topics, verified }, codec: reader, learn }, moving);
  assert.deepEqual(rows.differing, []);
  assert.ok(rows.rows > 33);
  await projector.stop();
  await db.close();
  await log.close();
});

test('rows of a release whose schema lacked a member are equal to those of this one, and no others', { timeout: 60_000 }, async () => {
  const { log } = openTestLog(1);
  const marker = sampleFact('EpochStarted', { epoch: -1, job: '', step: '', agent: '', attempt: 0, instance: -1, cause: -1 });
  // What the first release wrote is read with the member's default.
  const facts = [marker, sampleFact('Checkpointed', { writtenAtMs: 0 }), sampleFact('Checkpointed', { cursor: 8 })];
  await log.append({ topic: verified, partition: 0, records: facts.map((fact) => ({ key: Buffer.alloc(0), value: codec.encode(fact) })) });
  const db = await openPgliteDatabase();
  await migrate(db);
  await rebuild({ log, codec, db, topic: verified });
  const differing = async (change: string): Promise<readonly string[]> => {
    await db.script(`ALTER TABLE audit_rows DISABLE TRIGGER USER; UPDATE audit_rows SET ${change}`);
    return (await compareRows({ log, topics: { ...topics, verified }, codec }, db)).differing;
  };
  assert.deepEqual(await differing(`detail = detail - 'writtenAtMs' WHERE "offset" = 1`), []);
  assert.deepEqual(await differing(`detail = detail || '{"writtenAtMs": 7}' WHERE "offset" = 1`), ['audit_rows']);
  assert.deepEqual(await differing(`detail = detail - 'writtenAtMs' WHERE "offset" IN (1, 2)`), ['audit_rows'], 'of a record that says it');
  await db.close();
  await log.close();
});
