import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Client } from 'pg';
import { whatIsMissing } from './for-tests.js';
import { startPostgres } from './postgres.js';

const skip = (await whatIsMissing({ postgres: true })) ?? false;

async function rowsOf(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a committed row is there after an immediate stop, and fsync is on', { skip, timeout: 120_000 }, async () => {
  const postgres = await startPostgres();
  try {
    const url = await postgres.createDatabase('board "1"');
    assert.equal(await postgres.createDatabase('board "1"'), url, 'a database that is there already is given again');
    await rowsOf(url, 'CREATE TABLE kept AS SELECT 42 AS n');
    await postgres.stop('immediate');
    await assert.rejects(rowsOf(url, 'SELECT 1'), /ECONNREFUSED/);
    await postgres.restart();
    assert.deepEqual(await rowsOf(url, 'SELECT n FROM kept'), [{ n: 42 }]);
    assert.deepEqual(await rowsOf(url, 'SHOW fsync'), [{ fsync: 'on' }]);
  } finally {
    await postgres.stop('fast');
  }
  assert.equal(existsSync(postgres.dir), false);
});
