import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BlackboardError } from '../runtime/errors.js';
import { readBridgeMap } from './bridge-map.js';

function problemsOf(text: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-map-'));
  try {
    const path = join(folder, 'map.json');
    writeFileSync(path, text);
    readBridgeMap(path);
    return [];
  } catch (error) {
    assert.ok(error instanceof BlackboardError && error.code === 'CONFIG_INVALID');
    return error.details['problems'] as readonly string[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a map with several problems names them all at once, by field and rule', () => {
  const problems = problemsOf(JSON.stringify({
    name: 'CRM!', source: { topic: 'a topic', format: 'xml' }, tenant: '', workflow: 'brief', params: { question: { from: 'ticket/question' } }, deadlineMs: { constant: 0 }, surprise: 1,
  }));
  for (const field of ['name', 'source.topic', 'source.format', 'tenant', 'params.question', 'deadlineMs', 'surprise']) assert.ok(problems.some((problem) => problem.includes(field)), `${field} in ${problems.join(' | ')}`);
});

test('a map that is not JSON, has a key twice or is not there is refused', () => {
  assert.equal(problemsOf('{').length, 1);
  assert.match(problemsOf('{"name":"a","name":"b"}')[0] ?? '', /same key twice/);
  assert.throws(() => readBridgeMap('/nowhere/map.json'), { code: 'CONFIG_INVALID' });
});

test('a field that a map lacks is said to be missing', () => {
  const problems = problemsOf(JSON.stringify({ name: 'crm', source: { topic: 'a', format: 'json' }, tenant: 'main', params: {} }));
  assert.deepEqual(problems.filter((problem) => problem.startsWith('workflow')), ['workflow: is required and missing']);
});
