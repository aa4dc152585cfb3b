/**
 * Spreads partition numbers over members: counts differ by one at most, and a member keeps what it has as far as
 * that allows. Deterministic in the order of the members.
 * @param held partitions that each member has now, by member, in a stable order
 * @returns ascending partition numbers, by member
 */
export function assignPartitions<Id>(held: ReadonlyMap<Id, readonly number[]>, partitions: number): ReadonlyMap<Id, readonly number[]> {
  const assigned = new Map<Id, number[]>();
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  const least = Math.floor(partitions / Math.max(held.size, 1));
  let larger = partitions - least * held.size;
  // Those who have most get the larger shares, so that fewest partitions move.
  const byHeld = [...held].sort(([, a], [, b]) => b.length - a.length);
  const shares = new Map<Id, number>();
  for (const [id, has] of byHeld) {
    const share = larger > 0 ? least + 1 : least;
    larger -= share - least;
    shares.set(id, share);
    const kept = has.filter((partition) => free.has(partition)).slice(0, share);
    for (const partition of kept) free.delete(partition);
    assigned.set(id, kept);
  }
  const rest = [...free].values();
  for (const id of held.keys()) {
    const own = assigned.get(id) ?? [];
    while (own.length < (shares.get(id) ?? 0)) own.push(rest.next().value as number);
    assigned.set(id, own.sort((a, b) => a - b));
  }
  return new Map([...held.keys()].map((id) => [id, assigned.get(id) ?? []]));
}
