import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync, mkdirSync, utimesSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { contentHash } from '../../blackboard/ids.js';
import { openDiskBodyStore } from './disk-body-store.js';

let folder = '';
before(() => { folder = mkdtempSync(join(tmpdir(), 'blackboard-bodies-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

const named = (text: string | Buffer): { hash: string; bytes: Buffer } => ({ hash: contentHash(Buffer.from(text)), bytes: Buffer.from(text) });
const pathOf = (hash: string): string => join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);

test('serves what was put, also after it was opened again, and null for anything else', async () => {
  const all = [named('one'), named(''), named(Buffer.alloc(300_000, 7))];
  const first = await openDiskBodyStore(folder);
  await first.put([...all, ...all]);
  await first.close();
  const second = await openDiskBodyStore(folder);
  for (const { hash, bytes } of all) assert.deepEqual(await second.get(hash), bytes);
  assert.equal(await second.get('0'.repeat(64)), null);
  assert.equal(await second.get('../../../etc/passwd'), null);
});

test('stores nothing when one body does not have the hash that it is named by', async () => {
  const store = await openDiskBodyStore(folder);
  const good = named('good');
  await assert.rejects(store.put([good, { hash: 'f'.repeat(64), bytes: Buffer.from('other') }]), { code: 'INPUT_INVALID' });
  assert.equal(await store.get(good.hash), null);
});

test('takes no half file for a body: what a crash left behind is removed', async () => {
  mkdirSync(join(folder, 'incoming'), { recursive: true });
  writeFileSync(join(folder, 'incoming', 'half'), 'ha');
  await openDiskBodyStore(folder);
  assert.deepEqual(readdirSync(join(folder, 'incoming')), []);
});

test('does not serve a file whose bytes were changed', async () => {
  const store = await openDiskBodyStore(folder);
  const body = named('the truth');
  await store.put([body]);
  writeFileSync(pathOf(body.hash), 'something else');
  await assert.rejects(store.get(body.hash), { code: 'BODY_NOT_FOUND' });
});

test('takes many puts of the same bodies at once', async () => {
  const store = await openDiskBodyStore(folder);
  const all = Array.from({ length: 40 }, (_, index) => named(`body ${index}`));
  await Promise.all(Array.from({ length: 8 }, () => store.put(all)));
  for (const { hash, bytes } of all) assert.deepEqual(await store.get(hash), bytes);
  assert.deepEqual(readdirSync(join(folder, 'incoming')), []);
});

test('a body that is put again counts as put now', async () => {
  const store = await openDiskBodyStore(folder);
  const body = named('old');
  await store.put([body]);
  utimesSync(pathOf(body.hash), new Date(0), new Date(0));
  await store.put([body]);
  assert.ok(statSync(pathOf(body.hash)).mtimeMs > 0);
});
