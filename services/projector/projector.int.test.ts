// I12 on both databases: audit rows are the image of the log, whatever the batches, the restarts and the duplicates.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { whatIsMissing } from '../../infra/local/for-tests.js';
import { startPostgres, type LocalPostgres } from '../../infra/local/postgres.js';
import { migrate } from '../../infra/sql/migrate.js';
import type { Fact } from '../../schemas/generated/events.js';
import { jobId } from '../blackboard/ids.js';
import type { Statement } from '../runtime/database.js';
import { lastCommitMsMax, type Membership } from '../runtime/log/port.js';
import type { ListeningDatabase } from '../runtime/postgres/listening-database.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { openPgliteDatabase } from '../runtime/postgres/pglite-database.js';
import { until } from '../testing/log-contract-rig.js';
import { applyBatch } from './apply.js';
import { project } from './project.js';
import { rebuild } from './rebuild.js';
import { runProjector, type Committed } from './run-projector.js';
import { tableHash } from './table-hash.js';
import { codec, expectedHash, openTestLog, projectorOptions, rowCount, untilRows, verified } from './testing/projection-setup.js';
import { factTypes, jobFacts, sampleFact } from './testing/sample-facts.js';
import { committedChannel, endedChannel } from './watermarks.js';

const missing = await whatIsMissing({ postgres: true });
const server: LocalPostgres | null = missing === undefined ? await startPostgres() : null;
after(() => server?.stop('fast'));

describe('PGlite', () => projection(() => openPgliteDatabase()));
describe('Postgres', { skip: missing ?? false }, () => {
  let number = 0;
  projection(async () => openPgDatabase({ connectionString: await (server as LocalPostgres).createDatabase(`projection_${number += 1}`) }));
});

function projection(open: () => Promise<ListeningDatabase>): void {
  let db: ListeningDatabase;
  const { log, fill } = openTestLog();
  before(async () => {
    db = await open();
    await migrate(db);
  });
  after(async () => {
    await log.close();
    await db.close();
  });

  it('gives every record of the log exactly one row, stale ones marked, and says when it is committed', async () => {
    const heard: string[] = [];
    const unlisten = await db.listen(committedChannel, (payload) => heard.push(payload));
    const ended = new Set<string>();
    const unlistenEnded = await db.listen(endedChannel, (payload) => { for (const job of payload.split(' ')) ended.add(job); });
    const records = await fill(30);
    const committed = new Map<number, number>();
    const projector = await runProjector(projectorOptions(log, db, { rowsMax: 100 }));
    projector.onCommitted(({ partition, lastOffset }: Committed) => committed.set(partition, lastOffset));
    await untilRows(db, records);
    const ends = await log.ranges(verified);
    // Rows are seen by others as soon as they are committed; whoever waits for word of it hears it a moment later.
    await until('word of the last commit of both partitions', () => ends.every(({ partition, next }) => committed.get(partition) === next - 1 && heard.includes(`${partition}:${next - 1}`)));
    assert.deepEqual((await projector.lag()).map(({ partition, records: behind }) => [partition, behind]).sort(), [[0, 0], [1, 0]]);
    await projector.stop();
    await Promise.all([unlisten(), unlistenEnded()]);
    assert.deepEqual([...ended].sort(), (await db.query<{ job: string }>("SELECT job FROM jobs WHERE state = 'ended' ORDER BY job COLLATE \"C\"")).map(({ job }) => job), 'all that have ended, and no others');
    const [stale] = await db.query<{ count: number }>('SELECT count(*) AS count FROM audit_rows WHERE stale');
    // Of the job numbers 0 to 29, and 100,000 to 100,029, so many leave 6 when divided by 7.
    assert.equal(stale?.count, (4 + 5) * 11);
    assert.deepEqual(await tableHash(db), await expectedHash(log));
  });

  it('goes on from the watermarks after a restart, adding nothing twice, even when the group has forgotten its positions', async () => {
    const before = await rowCount(db);
    const again = await runProjector(projectorOptions(log, db, { group: 'another' }));
    const records = before + await fill(9, 1_000);
    await untilRows(db, records);
    await again.stop();
    assert.deepEqual(await tableHash(db), await expectedHash(log, 5_000));
  });

  it('two projectors of the same partitions at once neither double nor lose', async () => {
    const one = await runProjector(projectorOptions(log, db, { group: 'one', rowsMax: 7 }));
    const two = await runProjector(projectorOptions(log, db, { group: 'two', rowsMax: 11 }));
    const records = await rowCount(db) + await fill(40, 2_000);
    await untilRows(db, records);
    await Promise.all([one.stop(), two.stop()]);
    assert.deepEqual(await tableHash(db), await expectedHash(log));
  });

  it('waits for no commit of positions: rows never do, and its end not for long', async (test) => {
    const join = log.join.bind(log);
    let commits = 0;
    const unanswered = (): Promise<void> => {
      commits += 1;
      return new Promise(() => undefined);
    };
    test.mock.method(log, 'join', async (membership: Membership) => Object.assign(await join(membership), { commit: unanswered }));
    const patience: number[] = [];
    const projector = await runProjector(projectorOptions(log, db, { group: 'unanswered', rowsMax: 50, sleep: (ms) => {
      patience.push(ms);
      return sleep(20);
    } }));
    for (const from of [3_000, 3_100]) await untilRows(db, await rowCount(db) + await fill(10, from));
    await projector.stop();
    assert.equal(commits, 1, 'and one at a time');
    assert.deepEqual(patience, [lastCommitMsMax]);
    assert.deepEqual(await tableHash(db), await expectedHash(log));
  });

  it('projects what comes while a transaction is under way, before that has ended', async (test) => {
    const runAll = db.runAll.bind(db);
    let isUnderWay = (): void => undefined;
    let end = (): void => undefined;
    const underWay = new Promise<void>((resolve) => { isUnderWay = resolve; });
    const ended = new Promise<void>((resolve) => { end = resolve; });
    test.mock.method(db, 'runAll', async (statements: readonly Statement[]) => {
      isUnderWay();
      await ended;
      return runAll(statements);
    });
    const projected = test.mock.method(codec, 'digestHex').mock;
    const before = await rowCount(db);
    const projector = await runProjector(projectorOptions(log, db, { group: 'prepared' }));
    const records = await fill(2, 4_000);
    await underWay;
    const soFar = projected.callCount();
    const later = await fill(2, 4_100);
    await until('what came later is projected', () => projected.callCount() >= soFar + later);
    assert.equal(await rowCount(db), before);
    end();
    await untilRows(db, before + records + later);
    await projector.stop();
    assert.deepEqual(await tableHash(db), await expectedHash(log));
  });

  it('shows a job as its facts say, in jobs, turns, steps, artifacts and rejections', async () => {
    const job = jobId('acme', 'order-8');
    const [row] = await db.query('SELECT state, outcome, result_body, attempts_requested, attempts_failed, cost_micros, instance FROM jobs WHERE job = $1', [job]);
    assert.deepEqual(row, { state: 'ended', outcome: 'completed', result_body: Buffer.from('# Brief 8'), attempts_requested: 2, attempts_failed: 1, cost_micros: 4_000, instance: 8 });
    assert.deepEqual(await db.query('SELECT attempt, agent, verifier, outcome, reason, accepted, rejected, rubric_score, latency_ms, cost_micros, fallback_taken, variation, turn_id FROM turns WHERE job = $1 ORDER BY attempt', [job]), [
      { attempt: 1, agent: 'researcher', verifier: 'verifier', outcome: 'failed', reason: 'candidates-rejected', accepted: 0, rejected: 1, rubric_score: 0.5, latency_ms: 300, cost_micros: 2_200, fallback_taken: 'pick_fallback', variation: 'none', turn_id: `${job}/8/research/1` },
      { attempt: 2, agent: 'researcher', verifier: 'verifier', outcome: 'completed', reason: null, accepted: 1, rejected: 0, rubric_score: 0.75, latency_ms: 400, cost_micros: 2_700, fallback_taken: null, variation: 'constraint', turn_id: `${job}/8/research/2` },
    ]);
    assert.deepEqual(await db.query('SELECT step, agent, state, attempts, accepted, rejected FROM steps WHERE job = $1', [job]), [{ step: 'research', agent: 'researcher', state: 'completed', attempts: 2, accepted: 1, rejected: 1 }]);
    assert.deepEqual(await db.query("SELECT attempt, namespace, state, reason, body IS NULL AS no_body FROM artifacts WHERE job = $1 ORDER BY attempt, namespace, state", [job]), [
      { attempt: 1, namespace: 'quarantine', state: 'rejected', reason: 'quote-not-found', no_body: true },
      { attempt: 2, namespace: 'quarantine', state: 'waiting', reason: null, no_body: true },
      { attempt: 2, namespace: 'verified', state: 'verified', reason: null, no_body: false },
    ]);
    assert.deepEqual(await db.query('SELECT kind, claim_type, reason, claim, signer FROM rejections WHERE job = $1', [job]), [{ kind: 'refused', claim_type: 'ArtifactsProposed', reason: 'late-attempt', claim: 'q/0/12', signer: 'liar#k1' }]);
    const only = await tableHash(db, { job });
    assert.deepEqual(Object.entries(only.tables).map(([name, { rows }]) => [name, rows]), [['audit_rows', 11], ['jobs', 1], ['artifacts', 3]]);
    assert.deepEqual(await db.query("SELECT job, answer FROM submissions WHERE partition = 0 AND cause = 8 AND answer = 'accepted'"), [{ job, answer: 'accepted' }]);
  });

  it('writes nothing of a batch whose watermark has moved', async () => {
    const rows = await rowCount(db);
    const row = project(sampleFact('TickObserved'), { topic: verified, partition: 0, offset: 999_999, appendTimeMs: 1, digest: 'ab'.repeat(32) }, false);
    const advance = { partition: 0, from: 3, isFirst: false, to: { offset: 1_000_000, epoch: 0, digest: 'ab'.repeat(32) }, lastAppendTimeMs: 1 };
    assert.equal(await applyBatch(db, { topic: verified, advances: [advance], changes: [row] }), 'moved');
    assert.equal(await applyBatch(db, { topic: verified, advances: [{ ...advance, isFirst: true }], changes: [row] }), 'moved');
    assert.equal(await rowCount(db), rows);
  });

  it('stops at rows that stand ahead of their watermark, writing nothing', async () => {
    const row = project(sampleFact('StepRequested'), { topic: 'ahead', partition: 0, offset: 0, appendTimeMs: 1, digest: 'ab'.repeat(32) }, false);
    const batch = { topic: 'ahead', advances: [{ partition: 0, from: 0, isFirst: true, to: { offset: 1, epoch: 0, digest: 'ab'.repeat(32) }, lastAppendTimeMs: 1 }], changes: [row] };
    assert.equal(await applyBatch(db, batch), 'applied');
    await db.query("DELETE FROM watermarks WHERE topic = 'ahead'");
    const before = await tableHash(db);
    await assert.rejects(applyBatch(db, batch), { code: 'CONFLICT' });
    assert.deepEqual(await tableHash(db), before);
  });

  it('holds every type of fact, however hostile its text', async () => {
    const hostile = (value: unknown): unknown => {
      if (typeof value === 'string') return `a\0b\uD800"\\{},NULL${'\u20AC'.repeat(9_000)}`;
      if (Array.isArray(value)) return value.map(hostile);
      if (Buffer.isBuffer(value) || value === null || typeof value !== 'object') return typeof value === 'number' && value > 1_000 ? Number.MAX_SAFE_INTEGER : value;
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, hostile(member)]));
    };
    const changes = factTypes.map((type, offset) => project({ ...(hostile(sampleFact(type)) as ReturnType<typeof sampleFact>), type } as never, { topic: 'hostile', partition: 0, offset, appendTimeMs: 1, digest: 'ab'.repeat(32) }, false));
    const batch = { topic: 'hostile', advances: [{ partition: 0, from: 0, isFirst: true, to: { offset: changes.length, epoch: -1, digest: 'ab'.repeat(32) }, lastAppendTimeMs: 1 }], changes };
    assert.equal(await applyBatch(db, batch), 'applied');
    const next = { ...batch, advances: batch.advances.map((advance) => ({ ...advance, from: changes.length, isFirst: false, to: { ...advance.to, offset: changes.length * 2 } })) };
    const later = { ...next, changes: changes.map((change) => ({ ...change, audit: { ...change.audit, offset: change.audit.offset + changes.length } })) };
    assert.equal(await applyBatch(db, later), 'applied', 'sums do not overflow');
    await db.query('SELECT * FROM turns; SELECT * FROM steps; SELECT * FROM rejections; SELECT * FROM submissions');
  });

  it('rebuilds nothing over rows that are there', async () => {
    await assert.rejects(rebuild({ log, codec, db, topic: verified }), { code: 'CONFLICT' });
  });

  it('lets nobody change an audit row: the projector adds, the reader reads, the owner cannot by mistake', async () => {
    const as = (role: string, sql: string): Promise<unknown> => db.transaction(async (tx) => {
      await tx.query(`SET LOCAL ROLE ${role}`);
      await tx.query(sql);
      throw new Error('it was let');
    });
    const refused = { code: '42501' };
    for (const change of ["UPDATE audit_rows SET reason = 'x'", 'DELETE FROM audit_rows', 'TRUNCATE audit_rows', 'DELETE FROM jobs', 'DROP TABLE audit_rows']) {
      for (const role of ['blackboard_projector', 'blackboard_reader', 'blackboard_gateway']) await assert.rejects(as(role, change), refused, `${role}: ${change}`);
    }
    await assert.rejects(as('blackboard_reader', "INSERT INTO watermarks VALUES ('t', 0, 0, 0, '')"), refused);
    for (const [role, sql] of [['blackboard_projector', 'SELECT bytes FROM bodies'], ['blackboard_reader', 'SELECT bytes FROM bodies'], ['blackboard_gateway', "UPDATE bodies SET bytes = ''"], ['blackboard_gateway', 'DELETE FROM bodies'], ['blackboard_gateway', 'SELECT 1 FROM audit_rows']] as const) await assert.rejects(as(role, sql), refused);
    for (const change of ["UPDATE audit_rows SET reason = 'x'", 'DELETE FROM audit_rows', 'TRUNCATE audit_rows']) await assert.rejects(db.query(change), refused, `owner: ${change}`);
    await assert.rejects(as('blackboard_reader', 'SELECT * FROM audit_rows, jobs, turns LIMIT 1'), /it was let/);
    await assert.rejects(as('blackboard_gateway', 'SELECT * FROM watermarks'), /it was let/);
  });
}

describe('Postgres under the projector role', { skip: missing ?? false }, () => {
  it('projects with no more rights than that role has', async () => {
    const connectionString = await (server as LocalPostgres).createDatabase('as_role');
    const owner = openPgDatabase({ connectionString });
    await migrate(owner);
    const db = openPgDatabase({ connectionString, role: 'blackboard_projector' });
    const { log, fill } = openTestLog();
    const records = await fill(10);
    const projector = await runProjector(projectorOptions(log, db));
    await untilRows(db, records);
    await projector.stop();
    assert.deepEqual(await tableHash(db), await expectedHash(log));
    await Promise.all([db.close(), owner.close(), log.close()]);
  });
});

describe('facts that end no job', () => {
  it('wait for company, refusals too, at most a while, and never once a job has ended', async () => {
    const db = await openPgliteDatabase();
    await migrate(db);
    const { log } = openTestLog(1);
    const append = (...facts: readonly Fact[]): Promise<unknown> => log.append({ topic: verified, partition: 0, records: facts.map((fact) => ({ key: Buffer.from('k'), value: codec.encode(fact) })) });
    const [accepted, requested, ...others] = jobFacts(1, 0);
    const commits: number[] = [];
    const first = await runProjector(projectorOptions(log, db, { gatherMs: 600_000 }));
    first.onCommitted(({ lastOffset }) => commits.push(lastOffset));
    await append(sampleFact('EpochStarted', { epoch: -1 }));
    await append(accepted as Fact);
    await append(requested as Fact);
    await append(sampleFact('ClaimRefused'));
    await sleep(100);
    assert.equal(await rowCount(db), 0);
    await append(...others);
    await untilRows(db, 13);
    await until('word of the commit', () => commits.length > 0);
    assert.deepEqual(commits, [12], 'one transaction');
    await append(sampleFact('TickObserved'));
    await sleep(50);
    // What waits when it stops is left in the log.
    await first.stop();
    assert.equal(await rowCount(db), 13);
    const second = await runProjector(projectorOptions(log, db, { gatherMs: 30 }));
    await untilRows(db, 14);
    await second.stop();
    await Promise.all([db.close(), log.close()]);
  });
});
