// What the jobs of a seed ask of the runtime. A swarm leaves things out as well: what every seed has hides what only
// shows without it. `mixed`: plans that expand, verifiers, steps side by side, optional ones. `chain`: four plain steps,
// one after the other, as most jobs of most users.

export const loads = ['chain', 'mixed'] as const;
export type Load = (typeof loads)[number];

/** In turns of a length that shares no factor with those of storms and snapshots: each meets each. */
const turns: readonly Load[] = ['mixed', 'mixed', 'mixed', 'chain', 'mixed', 'chain', 'chain'];

export function loadOf(seed: number): Load {
  return turns[seed % turns.length] as Load;
}

/** So many seeds from one on, all of them or those of one load. */
export function seedsOf({ from, count, load }: { readonly from: number; readonly count: number; readonly load?: Load }): readonly number[] {
  const seeds: number[] = [];
  for (let seed = from; seeds.length < count; seed += 1) if (load === undefined || loadOf(seed) === load) seeds.push(seed);
  return seeds;
}
