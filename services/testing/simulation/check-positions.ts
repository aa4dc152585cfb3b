// R7: a position is an offset, the epoch in force at that offset and the digest of the record before it, of one moment.

import type { Position } from '../../runtime/log/position.js';
import { parsePosition } from '../../runtime/log/position.js';
import { codec, topics } from './blackboard-of-seed.js';
import type { FactAt } from './check-run.js';
import type { World } from './world.js';

type Add = (invariant: string, what: string, records?: readonly string[]) => void;

/** Looks at every position that readers of verified ever stored for a partition. */
export function checkPositions({ store, tables }: World, partition: number, facts: readonly FactAt[], add: Add): void {
  const epochs: number[] = [-1];
  for (const { record, fact } of facts) epochs.push(fact.type === 'EpochStarted' ? record.offset : epochs[epochs.length - 1] as number);
  const look = (reader: string, { offset, epoch, digest }: Position): void => {
    if (offset > facts.length) return add('R7', `${reader} stored offset ${offset}, the log ends at ${facts.length}`);
    if (epoch !== epochs[offset]) add('R7', `${reader} stored epoch ${epoch} at offset ${offset}, where ${epochs[offset]} is in force`);
    const before = facts[offset - 1];
    if (digest !== '' && digest !== (before === undefined ? '' : codec.digestHex(before.record.value))) add('R7', `${reader} stored another digest at offset ${offset} than the record before it has`);
  };
  const seen = new Set<string>();
  for (const { group, position } of store.saved) {
    const key = `${group} ${position.offset} ${position.metadata}`;
    // The orchestrator's positions are hints of another shape.
    if (position.topic !== topics.verified || position.partition !== partition || !group.includes('agent') || seen.has(key)) continue;
    seen.add(key);
    look(group, parsePosition(position.offset, position.metadata));
  }
  for (const position of tables.stored.get(partition) ?? []) look('the projector', position);
}
