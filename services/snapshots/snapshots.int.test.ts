// Snapshots on a real Postgres, under the roles that services have: owners go on from them, cannot write one, and
// restore the same state whatever is wrong with them (R10).

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';
import { setImmediate as eventLoopTurn, setTimeout as sleep } from 'node:timers/promises';
import { sharedPostgres, whatIsMissing } from '../../infra/local/for-tests.js';
import { migrate } from '../../infra/sql/migrate.js';
import { composeSchemas } from '../../schemas/compose.js';
import type { EventType, Fact } from '../../schemas/generated/events.js';
import { topicNames } from '../../topics/topics.js';
import { emptyPartition, evolve } from '../orchestrator/evolve.js';
import { foldVersion } from '../orchestrator/fold-version.js';
import { snapshotText } from '../orchestrator/load-snapshot.js';
import { machineEffects } from '../orchestrator/machine-effects.js';
import type { Restored } from '../orchestrator/restore.js';
import type { OrchestratorOptions } from '../orchestrator/start-orchestrator.js';
import { stateHash } from '../orchestrator/state-hash.js';
import { EventCodec } from '../runtime/codec/event-codec.js';
import { EpochFilter } from '../runtime/log/epoch-filter.js';
import { MemoryLogStore } from '../runtime/log/memory/memory-log.js';
import { projectRoot } from '../runtime/project-root.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import type { ListeningDatabase } from '../runtime/postgres/listening-database.js';
import { postgresSnapshotStore } from '../runtime/postgres/postgres-snapshot-store.js';
import { snapshotPrincipal, type SnapshotHeader, type SnapshotStore } from '../runtime/snapshot-store.js';
import { makeDatabase } from '../testing/make-database.js';
import { NoopRig } from '../testing/noop-rig.js';
import { checkSnapshots, type CheckedSnapshots } from './check-snapshots.js';
import { startSnapshots } from './start-snapshots.js';
import { takeSnapshot } from './take-snapshot.js';

const skip = (await whatIsMissing({ postgres: true })) ?? false;
const topics = topicNames();

describe('snapshots in Postgres', { skip, timeout: 120_000 }, () => {
  let release: () => Promise<void>;
  let owner: ListeningDatabase;
  let url: string;
  const opened: ListeningDatabase[] = [];
  const open = (role?: string): ListeningDatabase => {
    const db = openPgDatabase({ connectionString: url, ...(role === undefined ? {} : { role }) });
    opened.push(db);
    return db;
  };
  const name = `snapshots_${process.pid}_${Date.now() % 1_000_000}`;
  let server: ListeningDatabase;

  before(async () => {
    const postgres = await sharedPostgres();
    release = postgres.release;
    server = openPgDatabase({ connectionString: postgres.postgresUrl });
    url = await makeDatabase(postgres.postgresUrl, name);
    owner = open();
    await migrate(owner);
  });
  after(async () => {
    await Promise.all(opened.map((db) => db.close()));
    await server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await server.close();
    await release();
  });

  const rig = new NoopRig(1);
  const restoredBy = async (logs: MemoryLogStore, snapshots?: SnapshotStore, over: Partial<OrchestratorOptions> = {}): Promise<Restored & { readonly hash: string }> => {
    let seen: (Restored & { readonly hash: string }) | null = null;
    const orchestrator = await rig.orchestrator(logs.open(), {
      snapshotReading: { worthRecords: 0, answerMsMax: 20_000 }, ...(snapshots === undefined ? {} : { snapshots }), onRestored: (restored) => { seen ??= { ...restored, hash: stateHash(restored.state) }; }, ...over,
    });
    while (seen === null || orchestrator.partitions()[0]?.phase !== 'owning') await sleep(5);
    await orchestrator.close();
    return seen;
  };
  /** The state at the marker that the restored one stands at, from the whole log. */
  const fullFold = (logs: MemoryLogStore, epoch: number): string => {
    const state = emptyPartition(0);
    const filter = new EpochFilter();
    for (const { offset, value } of logs.slice({ topic: topics.verified, partition: 0, from: 0, until: epoch + 1, bytesMax: Infinity })) {
      const fact = rig.codec.decodeFact(value) as Fact;
      if (filter.counts(offset, fact.type, fact.epoch)) evolve(state, fact, offset);
    }
    return stateHash(state);
  };
  /** A log with open jobs, of which nobody has committed a position, and one snapshot of it. */
  const setUp = async (store: SnapshotStore, jobs = 60): Promise<{ readonly logs: MemoryLogStore; readonly header: SnapshotHeader }> => {
    await owner.query('DELETE FROM snapshots');
    const logs = new MemoryLogStore({ topics: [{ name: topics.quarantine, partitions: 1 }, { name: topics.verified, partitions: 1 }, { name: topics.deadLetter, partitions: 1 }] });
    const log = logs.open();
    const first = await rig.orchestrator(log);
    for (let n = 0; n < jobs; n += 1) await rig.submit(log, `job-${n}`);
    while ((first.partitions()[0]?.openJobs ?? 0) < jobs) await sleep(5);
    await first.close();
    logs.forgetPositions();
    return { logs, header: await take(logs, store) };
  };
  const take = async (logs: MemoryLogStore, store: SnapshotStore): Promise<SnapshotHeader> => {
    const log = logs.open();
    const header = await takeSnapshot(logs.range(topics.verified, 0), { log, codec: rig.codec, keyring: rig.keyring, store, topic: topics.verified, logger: rig.logger, breathe: eventLoopTurn });
    assert.ok(header !== null);
    return header;
  };

  it('lets an owner go on from one: what it holds is what the whole log folds to', async () => {
    const reading = postgresSnapshotStore(open('blackboard_orchestrator'));
    const { logs, header } = await setUp(postgresSnapshotStore(open('blackboard_snapshots')));
    const restored = await restoredBy(logs, reading);
    assert.equal(restored.base, 'snapshot');
    assert.equal(restored.from, header.position.offset);
    assert.equal(restored.hash, fullFold(logs, restored.state.epoch));
    assert.equal(restored.state.jobs.size, 60);
  });

  it('gives owners a role that reads snapshots and nothing else, and the writer one that sees no rows', async () => {
    const [reading, writing] = [open('blackboard_orchestrator'), open('blackboard_snapshots')];
    const { header } = await setUp(postgresSnapshotStore(writing));
    await assert.rejects(postgresSnapshotStore(reading).add({ ...header, position: { ...header.position, offset: 9_999 } }, []), /permission denied/);
    await assert.rejects(postgresSnapshotStore(reading).remove(header), /permission denied/);
    await assert.rejects(reading.query('SELECT 1 FROM audit_rows'), /permission denied/);
    await assert.rejects(writing.query('SELECT 1 FROM audit_rows'), /permission denied/);
    await assert.rejects(writing.query("UPDATE snapshots SET digest = ''"), /permission denied/);
  });

  it('is not needed: an owner reads the log where one is torn, forged, of another log or version, or Postgres is away', async () => {
    const store = postgresSnapshotStore(owner);
    const damages: Readonly<Record<string, string>> = {
      'a part was changed': "UPDATE snapshot_parts SET bytes = set_byte(bytes, 200, (get_byte(bytes, 200) + 1) % 256)",
      'a part is gone': 'DELETE FROM snapshot_parts',
      'somebody else wrote the row': "UPDATE snapshots SET cursor = cursor - 1",
      'it is of another version': "DELETE FROM snapshot_parts; UPDATE snapshots SET version = 'ffffffffffffffff'",
    };
    for (const [what, sql] of Object.entries(damages)) {
      const { logs } = await setUp(store, 10);
      await owner.query(sql);
      const restored = await restoredBy(logs, store);
      assert.equal(restored.base, 'beginning', what);
      assert.equal(restored.hash, fullFold(logs, restored.state.epoch), what);
    }
    const { logs, header } = await setUp(store, 10);
    const parts = await store.parts(header, 0, header.parts);
    const other = await setUp(store, 11);
    await owner.query('DELETE FROM snapshots');
    await store.add(header, parts);
    assert.equal((await restoredBy(other.logs, store)).base, 'beginning', 'of another log');
    assert.equal((await restoredBy(logs, store)).base, 'snapshot', 'of this log');
    const never: SnapshotStore = { ...store, newest: () => new Promise(() => undefined) };
    const away = postgresSnapshotStore(openPgDatabase({ connectionString: 'postgres://nobody:nothing@127.0.0.1:1/none' }));
    for (const silent of [never, away]) assert.notEqual((await restoredBy(logs, silent, { snapshotReading: { worthRecords: 0, answerMsMax: 300 } })).base, 'snapshot');
  });

  it('goes on from the one before, keeps the last two, and removes what cannot be used', async () => {
    const store = postgresSnapshotStore(open('blackboard_snapshots'));
    const { logs, header } = await setUp(store);
    const headers = [header];
    for (let round = 0; round < 2; round += 1) {
      await restoredBy(logs, store);
      headers.push(await take(logs, store));
    }
    assert.deepEqual((await store.all(topics.verified, 0)).map(({ position }) => position.offset), headers.slice(1).map(({ position }) => position.offset));
    const reads: number[] = [];
    const log = logs.open();
    await restoredBy(logs, store);
    const counting = { read: (options: Parameters<typeof log.read>[0]) => { reads.push((options.until ?? 0) - options.from); return log.read(options); } };
    await takeSnapshot(logs.range(topics.verified, 0), { log: counting, codec: rig.codec, keyring: rig.keyring, store, topic: topics.verified, logger: rig.logger, breathe: eventLoopTurn });
    assert.ok(Math.max(...reads) < 10, `read ${reads.join(', ')} records`);
    await owner.query('DELETE FROM snapshot_parts');
    assert.equal((await take(logs, store)).openJobs, 60);
    assert.equal((await restoredBy(logs, store)).base, 'snapshot');
  });

  it('is used, and not removed, where the schema id of its last record has yet to be learnt', async () => {
    const store = postgresSnapshotStore(owner);
    const { logs, header } = await setUp(store, 10);
    const schemas = composeSchemas(join(projectRoot, 'schemas'));
    const registered = new Map<number, unknown>(schemas.map(({ name: of, avro }) => [rig.codec.fingerprintOf(of as EventType).readInt32BE(0) & 0x7fffffff, avro]));
    const version = () => {
      const codec = new EventCodec();
      for (const [index, { name: of, avro }] of schemas.entries()) codec.define(of as EventType, avro, 1_000 + index);
      return { codec, learn: async (id: number) => { codec.learn(id, registered.get(id)); } };
    };
    const taken = await takeSnapshot(logs.range(topics.verified, 0), { ...version(), log: logs.open(), keyring: rig.keyring, store, topic: topics.verified, logger: rig.logger, breathe: eventLoopTurn });
    assert.equal(taken, null, 'nothing came since');
    assert.deepEqual((await store.all(topics.verified, 0)).map(({ position }) => position.offset), [header.position.offset]);
    const { codec, learn } = version();
    const restored = await restoredBy(logs, store, { codec, learn });
    assert.equal(restored.base, 'snapshot');
  });

  it('is compared with the log by the verification, which names one that is another state, torn or beyond its end', async () => {
    const store = postgresSnapshotStore(owner);
    const { logs, header } = await setUp(store, 10);
    const check = (): Promise<CheckedSnapshots> => checkSnapshots({ log: logs.open(), codec: rig.codec, topic: topics.verified, store, keyring: rig.keyring });
    assert.deepEqual(await check(), { compared: 1, ofOthers: 0, differences: [] });
    const parts = await store.parts(header, 0, header.parts);
    const { signature: _signature, ...unsigned } = header;
    // Signed by the right key, and still not what the log says.
    const wrong = { ...unsigned, position: { ...header.position, offset: header.position.offset - 1, digest: rig.codec.digest(logs.slice({ topic: topics.verified, partition: 0, from: header.position.offset - 2, until: header.position.offset - 1, bytesMax: Infinity })[0]?.value ?? Buffer.alloc(0)).toString('hex') } };
    await store.add({ ...wrong, signature: rig.keyring.sign(header.signer, snapshotText(wrong)) }, parts);
    assert.match((await check()).differences.map(({ what }) => what).join('; '), new RegExp(`offset ${wrong.position.offset} is another state than the log folds to$`));
    const beyond = { ...unsigned, position: { ...header.position, offset: 99_999 } };
    await store.add({ ...beyond, signature: rig.keyring.sign(header.signer, snapshotText(beyond)) }, parts);
    await owner.query('UPDATE snapshot_parts SET bytes = substr(bytes, 1, 40) WHERE next_offset = $1', [header.position.offset]);
    const before = { ...unsigned, position: { ...header.position, offset: 0 } };
    await store.add({ ...before, signature: rig.keyring.sign(header.signer, snapshotText(before)) }, parts);
    const { compared, differences } = await check();
    assert.equal(compared, 1, 'whatever row stands before it');
    const found = differences.map(({ what }) => what).join('; ');
    for (const said of [/offset 99999 is beyond the end/, /offset 0 is .* before its first record/, new RegExp(`offset ${header.position.offset} cannot be used .parts.`)]) assert.match(found, said);
  });

  it('is no matter of the verification when it is taken, or replaced by newer ones, meanwhile', async () => {
    const store = postgresSnapshotStore(owner);
    const { logs, header } = await setUp(store, 10);
    const moving = { ...store, parts: async (...asked: Parameters<SnapshotStore['parts']>) => { await store.remove(header); return store.parts(...asked); } };
    const options = { log: logs.open(), codec: rig.codec, topic: topics.verified, keyring: rig.keyring };
    assert.deepEqual(await checkSnapshots({ ...options, store: moving }), { compared: 0, ofOthers: 0, differences: [] });
    const growing = { ...store, all: async (...asked: Parameters<SnapshotStore['all']>) => { await restoredBy(logs, store); await take(logs, store); return store.all(...asked); } };
    const { compared, differences } = await checkSnapshots({ ...options, store: growing });
    assert.deepEqual([compared, differences], [1, []], 'one that was taken after the log was first asked');
  });

  it('begins at what the newest checkpoint says when no snapshot of its version is there', async () => {
    const store = postgresSnapshotStore(owner);
    const { logs } = await setUp(store);
    const agent = await rig.agent(logs.open());
    const orchestrator = await rig.orchestrator(logs.open(), { renewAfterRecords: 20 });
    await rig.settled(logs.open(), 60, 60_000);
    await agent.drain();
    await orchestrator.close();
    await owner.query("DELETE FROM snapshot_parts; UPDATE snapshots SET version = 'ffffffffffffffff'");
    const header = await take(logs, store);
    assert.equal(header.version, foldVersion());
    const restored = await restoredBy(logs, store);
    assert.equal(restored.base, 'snapshot');
    assert.equal(restored.hash, fullFold(logs, restored.state.epoch));
  });

  it('is taken by itself once so many records have come, by the process that has the partition', async () => {
    const store = postgresSnapshotStore(open('blackboard_snapshots'));
    const { logs } = await setUp(store);
    await owner.query('DELETE FROM snapshots');
    const running = await startSnapshots({ ...machineEffects, log: logs.open(), codec: rig.codec, keyring: rig.keyring, topics, logger: rig.logger, store, everyRecords: 50, everyMs: 0, pollMs: 10 });
    const newest = (): Promise<SnapshotHeader | null> => store.newest({ topic: topics.verified, partition: 0, version: foldVersion(), after: 0, upTo: 1e9 });
    while ((await newest()) === null) await sleep(20);
    const { position } = (await newest()) as SnapshotHeader;
    await sleep(100);
    assert.deepEqual((await newest())?.position, position, 'nothing came since');
    await running.close();
    assert.equal(rig.keyring.signerOf(snapshotPrincipal), ((await newest()) as SnapshotHeader).signer);
  });

  it('rests ten times as long as the last one took: a state that grows takes no larger share of anything', async () => {
    const store = postgresSnapshotStore(owner);
    const { logs } = await setUp(store);
    let nowMs = 0;
    let tries = 0;
    const slow: SnapshotStore = { ...store, parts: (...which) => {
      tries += 1;
      nowMs += 1_000;
      return store.parts(...which);
    } };
    const running = await startSnapshots({ ...machineEffects, monotonicMs: () => nowMs, log: logs.open(), codec: rig.codec, keyring: rig.keyring, topics, logger: rig.logger, store: slow, everyRecords: 0, everyMs: 0, pollMs: 5 });
    const triesOnceAt = async (passMs: number): Promise<number> => {
      nowMs += passMs;
      await sleep(200);
      return tries;
    };
    try {
      assert.equal(await triesOnceAt(0), 1);
      assert.equal(await triesOnceAt(9_999), 1);
      assert.equal(await triesOnceAt(1), 2);
    } finally {
      await running.close();
    }
  });

  it('is taken at the next try when Postgres was away at the first, though no record comes', async () => {
    const store = postgresSnapshotStore(owner);
    const { logs } = await setUp(store);
    await owner.query('DELETE FROM snapshots');
    let tries = 0;
    const away: SnapshotStore = { ...store, add: (header, parts) => ((tries += 1) > 1 ? store.add(header, parts) : Promise.reject(new Error('away'))) };
    const running = await startSnapshots({ ...machineEffects, log: logs.open(), codec: rig.codec, keyring: rig.keyring, topics, logger: rig.logger, store: away, everyRecords: 50, everyMs: 0, pollMs: 10 });
    const end = performance.now() + 20_000;
    while ((await store.all(topics.verified, 0)).length === 0 && performance.now() < end) await sleep(20);
    await running.close();
    assert.equal((await store.all(topics.verified, 0)).length, 1);
  });
});
