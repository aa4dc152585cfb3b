import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { topicNames } from '../../../../topics/topics.js';
import { openEmbeddedLog } from './embedded-log.js';
import { openEmbeddedLogReadOnly } from './read-only-log.js';

const { verified } = topicNames();

test('another process reads an embedded log while it is written, and sees what was acknowledged before it looked', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'read-only-log-'));
  const log = await openEmbeddedLog({ directory, topics: [{ name: verified, partitions: 2 }] });
  const record = { key: Buffer.from('k'), value: Buffer.from('one') };
  const reader = `const { openEmbeddedLogReadOnly } = await import(${JSON.stringify(new URL('./read-only-log.js', import.meta.url).href)});
    const log = openEmbeddedLogReadOnly(${JSON.stringify(directory)});
    const found = [];
    for await (const batch of log.read({ topic: ${JSON.stringify(verified)}, partition: 1, from: 0 })) found.push(...batch.map((record) => record.offset + '=' + record.value));
    await log.close();
    console.log(found.join(' '));`;
  const look = (): string => execFileSync(process.execPath, ['--input-type=module', '-e', reader]).toString().trim();
  await log.append({ topic: verified, partition: 1, records: [record, { ...record, value: Buffer.from('two') }] });
  assert.equal(look(), '0=one 1=two');
  await log.append({ topic: verified, partition: 1, records: [{ ...record, value: Buffer.from('three') }] });
  assert.equal(look(), '0=one 1=two 2=three');
  await log.close();
  assert.equal(look(), '0=one 1=two 2=three');
  rmSync(directory, { recursive: true });
});

test('an open reader sees what comes later, and there is nothing that writes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'read-only-log-'));
  const log = await openEmbeddedLog({ directory, topics: [{ name: verified, partitions: 1 }] });
  await log.append({ topic: verified, partition: 0, records: [{ key: Buffer.from('k'), value: Buffer.from('v') }] });
  await log.close();
  const reader = openEmbeddedLogReadOnly(directory);
  assert.deepEqual(await reader.ranges(verified), [{ partition: 0, low: 0, next: 1 }]);
  assert.equal('append' in reader, false);
  assert.equal('join' in reader, false);
  await reader.close();
  assert.throws(() => openEmbeddedLogReadOnly(join(directory, 'none')), { code: 'NOT_FOUND' });
  rmSync(directory, { recursive: true });
});
