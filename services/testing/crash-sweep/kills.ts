// Which crashes a sweep makes, and what became of each.

import { seamsOf, type SeamMode, type SeamName } from '../../runtime/seam-names.js';
import type { Kill, SeamSide } from '../../runtime/seams.js';
import { Dice } from '../simulation/dice.js';

/** Reached once in the life of a process, so that there is no later time. */
const once: ReadonlySet<SeamName> = new Set([
  'setup.open-log', 'setup.make-keys', 'setup.migrate', 'setup.apply-topics', 'setup.register-schemas', 'setup.open-database',
  'orchestrator.join', 'agents.join', 'gateway.join', 'projector.join', 'projector.read-watermarks', 'snapshots.join', 'bridge.join',
]);
const sides: readonly SeamSide[] = ['before', 'after'];
const laterCount = 3;
/** A folder's first start comes this far at a time, each of them on what the one before left. */
const firstStart: readonly SeamName[] = ['setup.open-log', 'setup.open-database', 'setup.migrate', 'setup.make-keys'];

/** Each side of each seam: at the first time, and where it is reached again, at a later one. Those of a first start come first. */
export function everyKill(mode: SeamMode): readonly Kill[] {
  const names = seamsOf(mode).map(({ name }) => name);
  const isSetup = (name: SeamName): boolean => firstStart.includes(name);
  const ordered = [...(mode === 'embedded' ? firstStart : []), ...names.filter((name) => mode !== 'embedded' || !isSetup(name))];
  return ordered.flatMap((name) => [1, ...(once.has(name) ? [] : [laterCount])].flatMap((count) => sides.map((side) => ({ name, side, count }))));
}

/** Each seam once, the sides taking turns: half of the exhaustive sweep's places in a fifth of its time. */
export function oneSideEach(mode: SeamMode): readonly Kill[] {
  const taken = new Map<SeamName, SeamSide>();
  return everyKill(mode).filter(({ name, side, count }) => {
    if (!taken.has(name)) taken.set(name, sides[taken.size % 2] as SeamSide);
    return count === 1 && taken.get(name) === side;
  });
}

/** Two crashes one after the other, the second while the first is being recovered from; the same seed, the same pairs. */
export function randomPairs(mode: SeamMode, pairs: number, seed: number): readonly (readonly [Kill, Kill])[] {
  const dice = new Dice(seed);
  // What a folder's first start does is done.
  const names = seamsOf(mode).map(({ name }) => name).filter((name) => name !== 'setup.make-keys' && !(mode === 'kafka' && name.startsWith('setup.')));
  const draw = (): Kill => {
    const name = names[dice.between(0, names.length - 1)] as SeamName;
    return { name, side: sides[dice.between(0, 1)] as SeamSide, count: once.has(name) ? 1 : dice.between(1, 4) };
  };
  return Array.from({ length: pairs }, () => [draw(), draw()] as const);
}

export interface KillReport {
  readonly kill: Kill;
  readonly isReached: boolean;
  /** From the start of the process to its death, ms. */
  readonly diedAfterMs: number;
  /** Found in the log right after the death. */
  readonly problems: readonly string[];
  /** Of a pair: the other process, where it had died and no job had ended since it ran again. */
  readonly recovering?: readonly string[];
}

export interface Coverage {
  readonly covered: number;
  readonly of: number;
  readonly missing: readonly string[];
}

/** Places, not times: a seam's side is covered when a process died there once at least. */
export function coverageOf(reports: readonly KillReport[], mode: SeamMode): Coverage {
  const places = seamsOf(mode).flatMap(({ name }) => sides.map((side) => `${name}:${side}`));
  const reached = new Set(reports.filter(({ isReached }) => isReached).map(({ kill: { name, side } }) => `${name}:${side}`));
  const missing = places.filter((place) => !reached.has(place));
  return { covered: places.length - missing.length, of: places.length, missing };
}
