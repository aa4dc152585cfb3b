import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../services/runtime/project-root.js';
import { configSections } from './config-schemas.js';
import { envExampleText } from './env-example-text.js';

const written = readFileSync(join(projectRoot, '.env.example'), 'utf8');

/** Set by the machine or by npm, or inputs of a single test. */
const foreign = new Set(['PATH', 'TERM', 'COLUMNS', 'HOME', 'INIT_CWD', 'NODE_TEST_CONTEXT', 'DEBUG']);

test('.env.example is what the configuration schemas make', async () => {
  assert.equal(written, await envExampleText(), 'write it again: npm run build && node dist/infra/docs/write-env-example.js');
});

test('every variable has a meaning and a shape', async () => {
  for (const { name, rows } of await configSections()) {
    assert.ok(rows.length > 0 || name === 'projector', `${name} has no variable of its own`);
    for (const row of rows) {
      assert.notEqual(row.meaning, '', `${row.name} of ${name} says no meaning`);
      assert.notEqual(row.shape, '', `${row.name} of ${name} says no shape`);
    }
  }
});

test('every variable that the code reads from the environment by name is in .env.example', () => {
  const documented = new Set([...written.matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name));
  const read = sources(['services', 'infra', 'scripts', 'bin', 'evals', 'replay', 'topics', 'workflows'])
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\benv(?:\.|\[')([A-Z][A-Z0-9_]+)/g)].map(([, name]) => ({ name: name ?? '', file })));
  const missing = read.filter(({ name }) => !documented.has(name.replace(/_FILE$/, '')) && !foreign.has(name) && !name.startsWith('OTEL_'));
  assert.deepEqual(missing, []);
  assert.ok(read.length > 10, 'the search found hardly anything: its pattern is wrong');
});

/** Sources that ship: no tests, nothing that only tests run. */
function sources(folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) => readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name) && !/\.test\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/\/testing\/|node_modules/.test(file)));
}
