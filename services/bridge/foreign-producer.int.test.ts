// The example of a foreign producer against the published test vectors, in both of its languages.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../runtime/project-root.js';

const folder = join(projectRoot, 'examples/foreign-producer');
const vectors = (JSON.parse(readFileSync(join(projectRoot, 'schemas/fixtures/signed-vectors.json'), 'utf8')) as { readonly name: string; readonly event: { readonly type: string }; readonly recordKey: string; readonly partition: Record<string, number>; readonly valueHex: string }[])
  .filter(({ event }) => event.type === 'JobSubmitted');
const wanted = vectors.map(({ name, recordKey, partition, valueHex }) => `${recordKey} ${String(partition['64'])} ${valueHex} ${name}\n`).join('');
const python = spawnSync('python3', ['--version']).status === 0;

test('Node without any library makes the bytes, keys and partitions of every published vector', () => {
  assert.ok(vectors.length >= 2);
  assert.equal(execFileSync(process.execPath, [join(folder, 'print-vectors.mjs')], { encoding: 'utf8' }), wanted);
});

test("Python's standard library makes the same", { skip: python ? false : 'python3 is not on this machine' }, () => {
  assert.equal(execFileSync('python3', [join(folder, 'submission.py')], { encoding: 'utf8', env: { ...process.env, PYTHONIOENCODING: 'utf-8', PYTHONDONTWRITEBYTECODE: '1' } }), wanted);
});
