// C1, C5, C6: whatever dies between a record and its row, and whenever, the table ends as the exact image of the log.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { whatIsMissing } from '../../infra/local/for-tests.js';
import { startPostgres, type LocalPostgres } from '../../infra/local/postgres.js';
import { migrate } from '../../infra/sql/migrate.js';
import type { ListeningDatabase } from '../runtime/postgres/listening-database.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { runProjector } from './run-projector.js';
import { tableHash } from './table-hash.js';
import { expectedHash, openRepeatableLog, openTestLog, projectorOptions, rowCount, untilRows } from './testing/projection-setup.js';

const missing = await whatIsMissing({ postgres: true });

describe('a projector on a real Postgres', { skip: missing ?? false }, () => {
  let server: LocalPostgres;
  let url = '';
  let db: ListeningDatabase;
  let number = 0;
  before(async () => { server = await startPostgres(); });
  after(() => server.stop('fast'));

  const fresh = async (): Promise<void> => {
    url = await server.createDatabase(`crash_${number += 1}`);
    db = openPgDatabase({ connectionString: url, connectTimeoutMs: 10_000 });
    await migrate(db);
  };

  it('killed at any side of a commit, it catches up exactly', async () => {
    await fresh();
    const { log, records } = await openRepeatableLog(400);
    const child = fileURLToPath(new URL('testing/projector-child.js', import.meta.url));
    let deaths = 0;
    for (const killAt of ['projector.commit:before:1', 'projector.commit:after:1', 'projector.commit:before:2', 'projector.commit:after:3', '', '', '']) {
      const rowsBefore = await rowCount(db);
      const run = spawn(process.execPath, [child], { env: { ...process.env, DATABASE_URL: url, JOBS: '400', BLACKBOARD_KILL_AT: killAt }, stdio: 'ignore' });
      const exited = once(run, 'exit');
      // Without a seam: somewhere within the transaction that comes next.
      if (killAt === '') {
        while ((await rowCount(db)) === rowsBefore && run.exitCode === null) await sleep(1);
        run.kill('SIGKILL');
      }
      const [, signal] = await exited as [number | null, string | null];
      if (signal === 'SIGKILL') deaths += 1;
    }
    assert.ok(deaths >= 5, `${deaths} processes died`);
    assert.ok(await rowCount(db) < records, 'some of the log is left to project');
    const projector = await runProjector(projectorOptions(log, db));
    await untilRows(db, records);
    await projector.stop();
    assert.deepEqual(await tableHash(db), await expectedHash(log));
    await Promise.all([db.close(), log.close()]);
  });

  it('losing its connections in the middle of transactions, and answers to commits, it neither loses nor doubles', async () => {
    await fresh();
    const { log, fill } = openTestLog();
    const admin = openPgDatabase({ connectionString: server.url });
    let lost = 0;
    // Every third commit is made and its answer lost: the outcome is unknown.
    let commits = 0;
    const unreliable: ListeningDatabase = {
      ...db,
      runAll: async (statements) => {
        await db.runAll(statements);
        commits += 1;
        if (commits % 3 === 0) throw Object.assign(new Error('the connection broke while the answer came'), { code: 'ECONNRESET' });
      },
    };
    const projector = await runProjector(projectorOptions(log, unreliable, { rowsMax: 50, bytesPerPartitionMax: 32 * 1024, retryMsMax: 20 }));
    let records = 0;
    for (let round = 0; round < 12; round += 1) {
      records += await fill(20, round * 1_000);
      await sleep(10);
      const killed = await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND state <> 'idle'", [`crash_${number}`]);
      lost += killed.length;
    }
    await untilRows(db, records);
    await projector.stop();
    assert.ok(lost > 0, 'some connection was cut in mid-transaction');
    assert.deepEqual(await tableHash(db), await expectedHash(log));
    await Promise.all([db.close(), admin.close(), log.close()]);
  });

  it('with Postgres stopped at once and started again, it says so, waits with bounded memory, and catches up exactly', async () => {
    await fresh();
    const { log, fill } = openTestLog();
    const said: string[] = [];
    const projector = await runProjector(projectorOptions(log, db, { rowsMax: 200, pendingRecordsMax: 500, onDatabaseAway: (error) => said.push(error === null ? 'back' : 'away') }));
    let records = 0;
    for (let round = 0; round < 3; round += 1) {
      records += await fill(100, round * 1_000);
      await server.stop('immediate');
      records += await fill(100, 10_000 + round * 1_000);
      while (said.filter((word) => word === 'away').length <= round) await sleep(20);
      await server.restart();
      await untilRows(db, records);
    }
    await projector.stop();
    assert.deepEqual(said, ['away', 'back', 'away', 'back', 'away', 'back']);
    assert.deepEqual(await tableHash(db), await expectedHash(log));
    await Promise.all([db.close(), log.close()]);
  });

  it('stops while Postgres is away, and starts while it is away', async () => {
    await fresh();
    const { log, store, fill } = openTestLog();
    const records = await fill(20);
    const first = await runProjector(projectorOptions(log, db));
    await untilRows(db, records);
    await server.stop('immediate');
    const more = records + await fill(20, 1_000);
    await sleep(200);
    await first.stop();
    const next = store.open();
    const second = await runProjector(projectorOptions(next, db));
    await sleep(200);
    await server.restart();
    await untilRows(db, more);
    await second.stop();
    assert.deepEqual(await tableHash(db), await expectedHash(log));
    await Promise.all([db.close(), log.close(), next.close()]);
  });

  it('halts, writing nothing, when the watermark went back or covers another log', async () => {
    await fresh();
    const { log, fill } = openTestLog(1);
    const records = await fill(20);
    const halts: string[] = [];
    const halted = (): Promise<unknown> => runProjector(projectorOptions(log, db, { group: `g${halts.length}`, onHalt: (error) => halts.push((error as { code?: string }).code ?? error.message) }));
    await halted();
    await untilRows(db, records);
    await db.query('UPDATE watermarks SET next_offset = next_offset - 5');
    await fill(1, 1_000);
    while (halts.length < 1) await sleep(10);
    await db.query("UPDATE watermarks SET next_offset = next_offset + 5, digest = repeat('0', 64)");
    await halted();
    while (halts.length < 2) await sleep(10);
    assert.deepEqual(halts, ['WRITER_FENCED', 'LOG_POSITION_CHANGED']);
    assert.equal(await rowCount(db), records);
    await Promise.all([db.close(), log.close()]);
  });
});
