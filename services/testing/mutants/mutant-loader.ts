// Loads one module with a planted bug in it: `node --import` this file, with the mutant's id in BLACKBOARD_MUTANT.

import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { mutants, type Mutant } from './mutants.js';

let planted: Mutant | undefined;

/** Called by Node in the thread that loads modules. */
export function initialize(mutant: Mutant): void {
  planted = mutant;
}

interface Loaded {
  readonly format?: string;
  readonly source?: string | ArrayBuffer | Uint8Array;
}

/** Node's hook. @throws when the text to change is not there once. */
export async function load(url: string, context: unknown, nextLoad: (url: string, context: unknown) => Promise<Loaded>): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  if (planted === undefined || !url.endsWith(`/services/${planted.file}`)) return loaded;
  let source = Buffer.from(loaded.source as Uint8Array).toString();
  for (const [find, replace] of planted.edits) {
    if (source.split(find).length !== 2) throw new Error(`mutant ${planted.id}: the text to change occurs ${source.split(find).length - 1} times in ${planted.file}: ${find}`);
    source = source.replace(find, () => replace);
  }
  return { ...loaded, source };
}

const id = process.env['BLACKBOARD_MUTANT'];
if (isMainThread && id !== undefined && planted === undefined) {
  const mutant = mutants.find((one) => one.id === id);
  if (mutant === undefined) throw new Error(`no mutant is called ${id}`);
  register(import.meta.url, { data: mutant });
}
