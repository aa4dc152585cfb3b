import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeWhole } from './write-whole.js';

test('answers when the new name of the file is durable, and not where it cannot be', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'write-whole-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'keys.json');
  const synced: [string, string][] = [];
  for (const text of ['one', 'two']) {
    await writeWhole(path, text);
    await writeWhole(path, text, async (of) => { synced.push([of, await readFile(path, 'utf8')]); });
  }
  assert.deepEqual(synced, [[folder, 'one'], [folder, 'two']], 'its folder, after the file has its name');
  assert.deepEqual([await readdir(folder), (await stat(path)).mode & 0o777], [['keys.json'], 0o600]);
  await assert.rejects(writeWhole(path, 'three', async () => { throw new Error('the disk is gone'); }), /the disk is gone/);
});
