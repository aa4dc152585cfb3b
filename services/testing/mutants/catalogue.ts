// All planted bugs, by theme.

import { conducting } from './catalogue/conducting.js';
import { decisions } from './catalogue/decisions.js';
import { epochs } from './catalogue/epochs.js';
import { gate } from './catalogue/gate.js';
import { readers } from './catalogue/readers.js';
import { snapshots } from './catalogue/snapshots.js';
import { time } from './catalogue/time.js';
import type { Mutant } from './mutant.js';
import { guards } from './pairs.js';

export const mutants: readonly Mutant[] = [...decisions, ...epochs, ...readers, ...time, ...snapshots, ...gate, ...conducting];

/** @throws Error when no mutant and no guard is called so. */
export function mutantOf(id: string): Mutant {
  const found = [...mutants, ...guards].find((mutant) => mutant.id === id);
  if (found === undefined) throw new Error(`no mutant is called ${id}`);
  return found;
}
