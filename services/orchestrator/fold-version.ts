// The version of snapshots: a hash over the code that folds, freezes and thaws, over the schemas that facts are decoded
// by, and the machine's order of bytes, in which ended jobs are written. Whatever is changed there, an older snapshot is
// another version's and is not read: no number is raised by hand, and none can be forgotten.

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../runtime/project-root.js';

/** As compiled, from this folder. A test holds the list equal to what these files import of ours. */
export const foldSources: readonly string[] = [
  './evolve.js', './freeze.js', './frozen-types.js', './add-micros.js', '../blackboard/ids.js', '../blackboard/policy.js', '../blackboard/policy-version.js',
  '../blackboard/remembered-jobs.js', '../blackboard/remembered-leaf.js',
  '../runtime/codec/avro-bounds.js',
];

let known: string | null = null;

/** 16 hex digits. */
export function foldVersion(): string {
  known ??= computed();
  return known;
}

function computed(): string {
  const hash = createHash('sha256').update(endianness());
  const schemas = join(projectRoot, 'schemas');
  for (const source of foldSources) hash.update(readFileSync(new URL(source, import.meta.url)));
  for (const name of readdirSync(join(schemas, 'facts')).sort()) hash.update(name).update(readFileSync(join(schemas, 'facts', name)));
  return hash.update(readFileSync(join(schemas, 'fact-envelope.json'))).update(readFileSync(join(schemas, 'envelope.json'))).digest('hex').slice(0, 16);
}
