import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync, mkdirSync, utimesSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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

test('puts a body anew whose file was changed or cut', async () => {
  const store = await openDiskBodyStore(folder);
  const body = named('the whole truth');
  await store.put([body]);
  for (const damaged of ['the whole lie..', 'the wh', '']) {
    writeFileSync(pathOf(body.hash), damaged);
    await store.put([body]);
    assert.deepEqual(await store.get(body.hash), body.bytes, damaged);
  }
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

test('leaves nothing of a body for which there is no room', () => {
  // A limit on the size of files fails a write in its middle, as a full disk does.
  const own = join(folder, 'limited');
  const script = `
    const { openDiskBodyStore } = await import(${JSON.stringify(new URL('./disk-body-store.js', import.meta.url).href)});
    const store = await openDiskBodyStore(${JSON.stringify(own)});
    const bytes = Buffer.alloc(300_000, 7);
    await store.put([{ hash: ${JSON.stringify(named(Buffer.alloc(300_000, 7)).hash)}, bytes }]).then(() => console.log('stored'), (error) => console.log(error.code));`;
  const said = execFileSync('sh', ['-c', `trap '' XFSZ; ulimit -f 100; exec "$0" --input-type=module -e "$1"`, process.execPath, script], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(said.trim(), 'EFBIG');
  assert.deepEqual(readdirSync(join(own, 'incoming')), []);
});

/** Two bodies that share their folder. */
function neighbours(): readonly [ReturnType<typeof named>, ReturnType<typeof named>] {
  const seen = new Map<string, ReturnType<typeof named>>();
  for (let n = 0; ; n += 1) {
    const body = named(`neighbour ${n}`);
    const other = seen.get(body.hash.slice(0, 4));
    if (other !== undefined) return [other, body];
    seen.set(body.hash.slice(0, 4), body);
  }
}

test('answers no put before the entry of its folder is durable, also when another put made the folder', async () => {
  const [one, two] = neighbours();
  const above = join(folder, 'shared', one.hash.slice(0, 2));
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => { release = resolve; });
  let asked = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => { asked = resolve; });
  const store = await openDiskBodyStore(join(folder, 'shared'), async (path) => {
    if (path !== above) return;
    asked();
    await released;
  });
  const answered: string[] = [];
  const first = store.put([one]).then(() => answered.push('first'));
  await isAsked;
  const second = store.put([two]).then(() => answered.push('second'));
  const third = store.put([one]).then(() => answered.push('third'));
  await sleep(200);
  assert.deepEqual(answered, []);
  release();
  await Promise.all([first, second, third]);
});

test('makes sure of a folder that a process before it made, and of one whose sync has failed', async () => {
  const [one, two] = neighbours();
  const own = join(folder, 'inherited');
  await (await openDiskBodyStore(own)).put([one]);
  const synced: string[] = [];
  let failures = 1;
  const store = await openDiskBodyStore(own, async (path) => {
    if (path === join(own, one.hash.slice(0, 2)) && failures-- > 0) throw new Error('no flush');
    synced.push(path);
  });
  await assert.rejects(store.put([two]), /no flush/);
  await store.put([two]);
  for (const path of [own, join(own, one.hash.slice(0, 2)), join(own, one.hash.slice(0, 2), one.hash.slice(2, 4))]) assert.ok(synced.slice(2).includes(path), path);
});

test('makes the entries of its own folders durable from the first one that it made, and of its own folder at each opening', async () => {
  const own = join(folder, 'above', 'store');
  for (const due of [[folder, join(folder, 'above'), own], [join(folder, 'above'), own]]) {
    const synced: string[] = [];
    await openDiskBodyStore(own, async (path) => { synced.push(path); });
    assert.deepEqual(synced, due);
  }
});
