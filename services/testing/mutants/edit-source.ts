import type { Mutant } from './mutant.js';

/** The text of a module with a bug in it. @throws Error when a text to change does not occur exactly once. */
export function editSource(mutant: Pick<Mutant, 'id' | 'edits'>, file: string, source: string): string {
  let edited = source;
  for (const [where, find, replace] of mutant.edits) {
    if (where !== file) continue;
    const times = edited.split(find).length - 1;
    if (times !== 1) throw new Error(`mutant ${mutant.id}: the text to change occurs ${times} times in ${file}; give it the text that stands there now: ${find}`);
    edited = edited.replace(find, () => replace);
  }
  return edited;
}
