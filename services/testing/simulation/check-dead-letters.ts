// R2: bytes that no claim can be read from are in the dead letter topic before a fact says so.

import { shownRecord } from '../../verify/findings.js';
import { topics } from './blackboard-of-seed.js';
import type { FactAt } from './check-run.js';
import type { World } from './world.js';

type Add = (invariant: string, what: string, records?: readonly string[]) => void;

export function checkDeadLetters({ store }: World, partition: number, facts: readonly FactAt[], add: Add): void {
  const letters = store.slice({ topic: topics.deadLetter, partition: 0, from: 0, until: store.range(topics.deadLetter, 0).next, bytesMax: Infinity });
  const origins = new Set(letters.map(({ key }) => key.toString()));
  for (const { record, fact, counts } of facts) {
    if (counts && fact.type === 'ClaimDeadLettered' && !origins.has(`${topics.quarantine}/${partition}/${fact.cause}`)) add('R2', 'a fact says that a claim was dead-lettered, and the dead letter topic does not have it', [shownRecord(record, fact)]);
  }
}
