import assert from 'node:assert/strict';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CliError } from './exit-codes.js';
import { layBeside, replaceFile } from './replace-file.js';

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? false : 'only root may give files away';
const [user, group] = [65_533, 65_532];
const folder = mkdtempSync(join(tmpdir(), 'blackboard-replace-'));
after(() => { rmSync(folder, { recursive: true, force: true }); });

/** A file in a folder of its own, reached through a link in another. */
function linked(name: string, mode: number): { readonly real: string; readonly link: string } {
  for (const dir of [name, `${name}-links`]) mkdirSync(join(folder, dir));
  const paths = { real: join(folder, name, 'all.json'), link: join(folder, `${name}-links`, 'all.json') };
  writeFileSync(paths.real, 'old');
  chmodSync(paths.real, mode);
  symlinkSync(paths.real, paths.link);
  return paths;
}

test('a file that is replaced stays where its link leads, with the rights of owner and group', async () => {
  const { real, link } = linked('modes', 0o664);
  const before = process.umask(0o077);
  try {
    await replaceFile(link, 'new');
  } finally {
    process.umask(before);
  }
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(readFileSync(real, 'utf8'), 'new');
  assert.equal(statSync(real).mode & 0o777, 0o660);
  assert.deepEqual([readdirSync(join(folder, 'modes')), readdirSync(join(folder, 'modes-links'))], [['all.json'], ['all.json']]);
});

test('a file that was not there is its owner\'s alone', async () => {
  await replaceFile(join(folder, 'fresh'), 'new');
  assert.equal(statSync(join(folder, 'fresh')).mode & 0o777, 0o600);
});

test('a file that is replaced stays its owner\'s and its group\'s', { skip: asRoot }, async () => {
  const { real, link } = linked('owners', 0o640);
  chownSync(real, user, group);
  await replaceFile(link, 'new');
  const { uid, gid, mode } = statSync(real);
  assert.deepEqual([uid, gid, mode & 0o777], [user, group, 0o640]);
});

test('who may not make a file for the one it belongs to is refused before anything is changed', { skip: asRoot }, async () => {
  const { real, link } = linked('others', 0o644);
  for (const path of [folder, join(folder, 'others'), join(folder, 'others-links')]) chmodSync(path, 0o777);
  chownSync(real, user, group);
  process.seteuid!(user + 1);
  try {
    await assert.rejects(layBeside(link, 'new'), (error) => error instanceof CliError && error.exit === 'refused' && error.message.includes(`user ${user}'s and group ${group}'s`));
  } finally {
    process.seteuid!(0);
  }
  assert.equal(readFileSync(real, 'utf8'), 'old');
  assert.deepEqual(readdirSync(join(folder, 'others')), ['all.json']);
});
