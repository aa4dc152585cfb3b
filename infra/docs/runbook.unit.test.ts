import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errorCodes } from '../../services/runtime/errors.js';
import { projectRoot } from '../../services/runtime/project-root.js';
import { headings } from './markdown.js';

const runbook = readFileSync(join(projectRoot, 'runbook.md'), 'utf8');
const pages = runbook.split(/^## /m).slice(1);

test('the runbook has one page for each code of the catalogue, in its order, and no other', () => {
  assert.deepEqual(headings(runbook, 2), Object.keys(errorCodes));
});

test('each page says when, what never to do and why, a command, what to expect, and what comes after', () => {
  for (const page of pages) {
    const code = page.split('\n')[0] ?? '';
    const parts = ['**When**', '**Never**', '**Command**', '**Expected**', '**After**'].map((part) => page.indexOf(part));
    assert.ok(parts.every((at) => at > 0), `${code} lacks a part`);
    assert.deepEqual([...parts].sort((a, b) => a - b), parts, `${code} has its parts in another order`);
    assert.match(page.slice(parts[1], parts[2]), /:|,|\./, `${code} gives no reason`);
    assert.ok(page.slice(parts[2], parts[3]).length > 20, `${code} has no command`);
  }
});
