import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../runtime/logger.js';
import { startAll, type AllOptions } from './start-all.js';

test('gives the folder back although a part of it cannot be closed, and says which', { timeout: 120_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'blackboard-up-'));
  const options: AllOptions = { world: { mode: 'embedded', dataDir, partitions: 1 }, logger: createLogger({ service: 'test', level: 'silent' }) };
  const first = await startAll(options);
  const close = first.db.close.bind(first.db);
  first.db.close = async () => {
    await close();
    throw new Error('no room for the last page');
  };
  await assert.rejects(first.close(), /no room for the last page/);
  const second = await startAll(options);
  await second.close();
  rmSync(dataDir, { recursive: true });
});
