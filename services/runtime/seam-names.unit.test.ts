// The catalogue of seams is held equal to the sources: each seam stands in the code of its process and nowhere else,
// and what a process writes goes through one.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from './project-root.js';
import { seamCatalogue, type SeamProcess } from './seam-names.js';
import { parseKill } from './seams.js';

const setUp = ['services/up', 'infra/compose'];
const stages = readdirSync(join(projectRoot, 'services'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && readdirSync(join(projectRoot, 'services', entry.name)).includes('main.ts') && entry.name !== 'cli').map(({ name }) => `services/${name}`);

interface Source {
  readonly file: string;
  readonly process: string;
  readonly text: string;
}

const sources: readonly Source[] = [...stages, ...setUp].flatMap((folder) => filesOf(folder).map((file) => ({
  file, process: setUp.includes(folder) ? 'setup' : folder.replace('services/', ''), text: readFileSync(join(projectRoot, file), 'utf8'),
})));

function filesOf(folder: string): readonly string[] {
  return readdirSync(join(projectRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'testing' ? [] : filesOf(path);
    return /\.ts$/.test(entry.name) && !/\.test\.ts$|-rig\.ts$|^testing-/.test(entry.name) ? [path] : [];
  });
}

/** Calls that change something outside of the process, or join a group. */
const writes = /\b(?:log|member|reader|#reader|source)\??\.(?:append|commit|join|consume)\(|\bbodies\.(?:put|get)\(|\bapplyBatch\(|\bmodels\(|\b(?:migrate|applyTopics)\(|\bstore\.add\(/;

test('numbers and names of seams are given once', () => {
  assert.equal(new Set(seamCatalogue.map(({ number }) => number)).size, seamCatalogue.length);
  assert.equal(new Set(seamCatalogue.map(({ name }) => name)).size, seamCatalogue.length);
});

test('each seam stands in the sources of its process, and in no other', () => {
  const found = seamCatalogue.map(({ name }) => `${name} in ${[...new Set(sources.filter(({ text }) => text.includes(`'${name}'`)).map(({ process }) => process))].join(', ')}`);
  assert.deepEqual(found, seamCatalogue.map(({ name, process }: { name: string; process: SeamProcess }) => `${name} in ${process}`));
});

test('each process has seams', () => {
  const processes = new Set<string>(seamCatalogue.map(({ process }) => process));
  assert.deepEqual(stages.map((folder) => folder.replace('services/', '')).filter((process) => !processes.has(process)), []);
});

test('what a process writes, and what its start waits for, goes through a seam', () => {
  const outside = sources.flatMap(({ file, text }) => text.split('\n').flatMap((line, index) => (
    writes.test(line) && !line.includes('through(') && !/^\s*(?:\/\/|\*|\/\*\*|export (?:async )?function|import|readonly)/.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])));
  // A command that a person runs again; and below a seam of their own: through the SDK's gateway client, and what an agent's own code asks it for.
  const below = /^services\/projector\/rebuild|^services\/agents\/(?!sdk\/(?:run-attempt|agent-pool|run-agents|gateway-client))/;
  assert.deepEqual(outside.filter((place) => !below.test(place)), []);
});

test('a crash at a seam that does not exist is refused, not waited for', () => {
  assert.deepEqual(parseKill('orchestrator.append-decision:after:3'), { name: 'orchestrator.append-decision', side: 'after', count: 3 });
  for (const text of ['orchestrator.append:after:1', 'orchestrator.append-decision:within:1', 'orchestrator.append-decision:after:0', 'orchestrator.append-decision:after:x']) assert.throws(() => parseKill(text), { code: 'CONFIG_INVALID' });
});
