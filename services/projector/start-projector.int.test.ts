import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { whatIsMissing } from '../../infra/local/for-tests.js';
import { startPostgres, type LocalPostgres } from '../../infra/local/postgres.js';
import { migrate } from '../../infra/sql/migrate.js';
import { topicNames } from '../../topics/topics.js';
import type { ListeningDatabase } from '../runtime/postgres/listening-database.js';
import { openPgDatabase } from '../runtime/postgres/pg-database.js';
import { createLogger } from '../runtime/logger.js';
import { startProjector } from './start-projector.js';
import { tableHash } from './table-hash.js';
import { codec, expectedHash, openTestLog, untilRows, verified } from './testing/projection-setup.js';

const missing = await whatIsMissing({ postgres: true });
const server: LocalPostgres | null = missing === undefined ? await startPostgres() : null;
after(() => server?.stop('fast'));

describe('the projector as a service', { skip: missing ?? false }, () => {
  it('does not start on the database of another blackboard, whose jobs may have the same ids', async () => {
    const { log, fill } = openTestLog(1);
    const db = openPgDatabase({ connectionString: await (server as LocalPostgres).createDatabase('of_another') });
    await migrate(db);
    const logger = createLogger({ service: 'test', level: 'silent' });
    const first = await startProjector({ log, codec, db, topic: verified, logger });
    await untilRows(db, await fill(1));
    await first.close();
    await assert.rejects(startProjector({ log, codec, db, topic: topicNames('later.').verified, logger }), { code: 'CONFLICT', message: /holds the rows of test\.verified, and is to get those of later\.verified/ });
    await db.close();
    await log.close();
  });

  it('fills a second database from the beginning while it goes on with the first: neither loses a partition to the other', { timeout: 60_000 }, async () => {
    const { log, fill } = openTestLog();
    const databases: ListeningDatabase[] = [];
    const logger = createLogger({ service: 'test', level: 'silent' });
    const start = async (name: string): ReturnType<typeof startProjector> => {
      const db = openPgDatabase({ connectionString: await (server as LocalPostgres).createDatabase(name) });
      databases.push(db);
      await migrate(db);
      return startProjector({ log, codec, db, topic: verified, logger });
    };
    const one = await start('in_use');
    const before = await fill(10);
    const two = await start('rebuilt');
    const records = before + await fill(10, 1_000);
    const expected = await expectedHash(log);
    for (const db of databases) {
      await untilRows(db, records);
      assert.deepEqual(await tableHash(db), expected);
    }
    await Promise.all([one.close(), two.close()]);
    await Promise.all(databases.map((db) => db.close()));
    await log.close();
  });

  it("fills a copy of the server's files beside the original under a suffix, and says which group it joins", { timeout: 120_000 }, async () => {
    const { log, fill } = openTestLog();
    const folders = ['original', 'copy'].map((name) => mkdtempSync(join(tmpdir(), `blackboard-${name}-`))) as [string, string];
    const original = await startPostgres({ dir: folders[0] });
    const name = new URL(await original.createDatabase('copied')).pathname;
    await original.stop('fast');
    execFileSync('cp', ['-a', `${folders[0]}/.`, folders[1]]);
    const servers = [original, await startPostgres({ dir: folders[1] })] as const;
    await original.restart();
    const said: { group?: string }[] = [];
    const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => void said.push(JSON.parse(line) as { group?: string }) } });
    const databases = servers.map(({ url }) => openPgDatabase({ connectionString: new URL(name, url).href }));
    for (const db of databases) await migrate(db);
    const projectors = await Promise.all(databases.map((db, index) => startProjector({ log, codec, db, topic: verified, logger, ...(index === 0 ? {} : { groupSuffix: 'restored' }) })));
    const records = await fill(10);
    for (const db of databases) await untilRows(db, records);
    const groups = said.flatMap(({ group }) => group ?? []).sort();
    assert.match(groups[0] ?? '', /^test-projector\.[0-9a-f]{12}$/);
    assert.deepEqual(groups.slice(1), [`${groups[0]}.restored`]);
    await Promise.all(projectors.map((projector) => projector.close()));
    await Promise.all(databases.map((db) => db.close()));
    await log.close();
    for (const one of servers) await one.stop('fast');
    for (const folder of folders) rmSync(folder, { recursive: true });
  });
});
