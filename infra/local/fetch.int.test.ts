import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchKafka, intoCache } from './fetch.js';

const before = { cache: process.env['BLACKBOARD_CACHE'], path: process.env['PATH'] };
let cache = '';

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'blackboard-cache-'));
  process.env['BLACKBOARD_CACHE'] = cache;
});

afterEach(() => {
  rmSync(cache, { recursive: true, force: true });
  process.env['PATH'] = before.path;
  if (before.cache === undefined) delete process.env['BLACKBOARD_CACHE'];
  else process.env['BLACKBOARD_CACHE'] = before.cache;
});

function filling(said: string[], fill: (folder: string) => Promise<void>): Parameters<typeof intoCache>[1] {
  return { label: 'it', say: (line) => said.push(line), isWhole: (folder) => existsSync(join(folder, 'part')), fill };
}

async function part(folder: string): Promise<void> {
  mkdirSync(folder);
  await sleep(300);
  writeFileSync(join(folder, 'part'), 'whole');
}

test('two that fetch the same at once fetch it once, and leave nothing else behind', async () => {
  let fills = 0;
  const fill = (folder: string): Promise<void> => part(folder).finally(() => fills++);
  const said: string[] = [];
  const both = await Promise.all([intoCache('thing', filling(said, fill)), intoCache('thing', filling(said, fill))]);
  assert.equal(both[0], both[1]);
  assert.equal(fills, 1);
  assert.equal(readFileSync(join(both[0], 'part'), 'utf8'), 'whole');
  assert.deepEqual(readdirSync(cache), ['thing']);
  assert.ok(said.some((line) => line.startsWith('waiting for another process')));
});

test('a fetch that fails, or that brings less than it should, leaves no folder to be taken for a whole one', async () => {
  await assert.rejects(intoCache('thing', filling([], () => Promise.reject(new Error('no network')))), /no network/);
  const empty = (folder: string): Promise<void> => Promise.resolve(void mkdirSync(folder));
  await assert.rejects(intoCache('thing', filling([], empty)), { code: 'KAFKA_UNAVAILABLE' });
  assert.deepEqual(readdirSync(cache), []);
});

test('the lock of a process that has died is taken over', async () => {
  writeFileSync(join(cache, 'thing.lock'), '2147483646');
  await intoCache('thing', filling([], part));
  assert.deepEqual(readdirSync(cache), ['thing']);
});

test('without Java and Maven the error names both and how to get them', async () => {
  const home = process.env['JAVA_HOME'];
  delete process.env['JAVA_HOME'];
  process.env['PATH'] = cache;
  try {
    await assert.rejects(fetchKafka({ say: () => undefined }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'KAFKA_UNAVAILABLE');
      assert.match(error.message, /Java 17\+.*Maven.*openjdk-17-jre-headless maven.*KAFKA_BROKERS/s);
      return true;
    });
  } finally {
    if (home !== undefined) process.env['JAVA_HOME'] = home;
  }
});
