// Two runs of one seed must have the same history. Where they do not, something in them has a clock, dice or a memory
// of its own; the first record that differs says whose.

import type { Claim, Fact } from '../../../schemas/generated/events.js';
import type { LogRecord } from '../../runtime/log/port.js';
import { shownRecord } from '../../verify/findings.js';
import { codec, topics } from './blackboard-of-seed.js';
import { readAll } from './check-run.js';
import type { World } from './world.js';

/** The first record (by append time) in which two runs of one seed differ, with what stood before it, as text. */
export function firstDifference(first: World, second: World): readonly string[] {
  let earliest: { readonly atMs: number; readonly lines: readonly string[] } | null = null;
  for (let partition = 0; partition < first.partitions; partition += 1) {
    for (const topic of [topics.quarantine, topics.verified]) {
      const [one, other] = [readAll(first, topic, partition), readAll(second, topic, partition)];
      const at = one.findIndex((record, index) => !isSame(record, other[index]));
      const offset = at < 0 ? one.length : at;
      const [left, right] = [one[offset], other[offset]];
      const atMs = Math.min(left?.appendTimeMs ?? Infinity, right?.appendTimeMs ?? Infinity);
      if (atMs === Infinity || (earliest !== null && earliest.atMs <= atMs)) continue;
      earliest = { atMs, lines: [`first:  ${shown(left)}`, `second: ${shown(right)}`] };
    }
  }
  return earliest?.lines ?? [];
}

function isSame(one: LogRecord, other: LogRecord | undefined): boolean {
  return other !== undefined && one.appendTimeMs === other.appendTimeMs && one.key.equals(other.key) && one.value.equals(other.value);
}

function shown(record: LogRecord | undefined): string {
  if (record === undefined) return 'no record';
  try {
    const event = codec.decode(record.value);
    const about = ('event' in event ? event.event : {}) as Partial<Claim | Fact>;
    return `${shownRecord(record, about)}${about.agent === undefined || about.agent === '' ? '' : ` agent ${about.agent}`} at ${record.appendTimeMs}`;
  } catch {
    return shownRecord(record);
  }
}
