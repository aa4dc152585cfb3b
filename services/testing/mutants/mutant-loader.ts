// Loads modules with planted bugs in them: `node --import` this file, with the ids in BLACKBOARD_MUTANT, by commas.

import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { mutantOf } from './catalogue.js';
import { editSource } from './edit-source.js';
import type { Mutant } from './mutant.js';

let planted: readonly Mutant[] = [];

/** Called by Node in the thread that loads modules. */
export function initialize(mutants: readonly Mutant[]): void {
  planted = mutants;
}

interface Loaded {
  readonly format?: string;
  readonly source?: string | ArrayBuffer | Uint8Array;
}

/** Node's hook. @throws when a text to change is not there once. */
export async function load(url: string, context: unknown, nextLoad: (url: string, context: unknown) => Promise<Loaded>): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  const files = new Set(planted.flatMap(({ edits }) => edits.map(([file]) => file)));
  const file = [...files].find((one) => url.endsWith(`/services/${one}`));
  if (file === undefined) return loaded;
  const source = planted.reduce((text, mutant) => editSource(mutant, file, text), Buffer.from(loaded.source as Uint8Array).toString());
  return { ...loaded, source };
}

const ids = process.env['BLACKBOARD_MUTANT'] ?? '';
if (isMainThread && ids !== '' && planted.length === 0) register(import.meta.url, { data: ids.split(',').map(mutantOf) });
