import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const root = join(dirname(main), '..');

test('replay reaches no writer, no member of a group and no database, unless rows are asked for', () => {
  const { files, packages } = reach([main]);
  const reached = [...files].map((file) => relative(root, file));
  assert.ok(reached.includes('services/orchestrator/decide-record.js'), 'the verbs are reached');
  const forbidden = /kafka-writer|leader-sender|kafka-log|group-member|embedded-log|memory-log|partition-owner|start-|run-stage|services\/(ingress|gateway|agents|projector)\/|postgres|\/main\.js$/;
  assert.deepEqual(reached.filter((file) => forbidden.test(file) && file !== 'replay/main.js'), []);
  assert.deepEqual([...packages].filter((name) => /^(pg|@electric-sql|fastify|openai)/.test(name)), []);
});

/** All that is loaded with the modules, by their static imports. */
function reach(entries: readonly string[]): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    assert.ok(existsSync(file), file);
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)[^'"]*?from ['"]([^'"]+)['"]|^import ['"][^'"]+['"]/gm)) {
      if (name.startsWith('.')) waiting.push(join(dirname(file), name));
      else packages.add(name);
    }
  }
  return { files, packages };
}
