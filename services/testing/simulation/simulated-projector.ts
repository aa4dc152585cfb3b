// The projector's rows in memory: the production reader and `project`, and a table that takes rows and position in one
// transaction. What a dead one had not committed is read again by the next.

import type { Fact } from '../../../schemas/generated/events.js';
import { project } from '../../projector/project.js';
import type { AuditRow, RowChanges } from '../../projector/rows.js';
import type { Position } from '../../runtime/log/position.js';
import type { VerifiedBatch, VerifiedFact } from '../../runtime/log/verified-facts.js';
import { VerifiedReader } from '../../runtime/log/verified-reader.js';
import { codec, topics } from './blackboard-of-seed.js';
import type { Dice } from './dice.js';
import type { SimProcess } from './sim-process.js';

/** What outlives the projector's process. */
export class ProjectedTables {
  readonly rows = new Map<string, AuditRow>();
  readonly positions = new Map<number, Position>();
  /** All that ever stood there. */
  readonly stored = new Map<number, Position[]>();
  /** By `job/instance`: how often its acceptance and its end have come by. */
  readonly jobs = new Map<string, { accepted: number; ended: number; lastOffset: number }>();
  readonly problems: string[] = [];

  /** Rows and position in one transaction. */
  commit(partition: number, changes: readonly RowChanges[], to: Position): void {
    const from = this.positions.get(partition)?.offset ?? 0;
    if (changes.length > 0 && changes[0]?.audit.offset !== from) this.problems.push(`rows of partition ${partition} go on at ${changes[0]?.audit.offset}, the position was ${from}`);
    for (const { audit, job } of changes) {
      const key = `${audit.partition}/${audit.offset}`;
      if (this.rows.has(key)) this.problems.push(`row ${key} was written twice`);
      this.rows.set(key, audit);
      if (job === null) continue;
      const name = `${job.job}/${job.instance}`;
      const known = this.jobs.get(name) ?? { accepted: 0, ended: 0, lastOffset: -1 };
      if (job.lastOffset <= known.lastOffset) this.problems.push(`job ${name} went from ${known.lastOffset} back to ${job.lastOffset}`);
      this.jobs.set(name, { accepted: known.accepted + (job.accepted === null ? 0 : 1), ended: known.ended + (job.ended === null ? 0 : 1), lastOffset: job.lastOffset });
    }
    this.positions.set(partition, to);
    const stored = this.stored.get(partition);
    if (stored === undefined) this.stored.set(partition, [to]);
    else stored.push(to);
  }
}

interface Waiting {
  readonly batch: VerifiedBatch;
  readonly to: Position;
}

/** Reads into the tables until its process dies. */
export async function startSimulatedProjector(process: SimProcess, tables: ProjectedTables, dice: Dice, onHalt: (error: Error) => void): Promise<void> {
  let waiting: Waiting[] = [];
  const write = (): void => {
    for (const { batch, to } of waiting) tables.commit(batch.partition, batch.facts.map(changes), to);
    waiting = [];
  };
  const changes = (fact: VerifiedFact): RowChanges => {
    const { topic, partition, offset, appendTimeMs, value } = fact.record;
    return project(fact.decode() as Fact, { topic, partition, offset, appendTimeMs, digest: codec.digestHex(value) }, !fact.counts);
  };
  const reader = new VerifiedReader({
    log: process, codec, topic: topics.verified, group: 'bb-projector', includesStale: true,
    storedPositions: (partitions) => Promise.resolve(new Map([...tables.positions].filter(([partition]) => partitions.includes(partition)))),
    handler: {
      onGained: () => undefined,
      onLost: (partition) => { waiting = waiting.filter(({ batch }) => batch.partition !== partition); },
      onBatch: (batch) => {
        waiting.push({ batch, to: batch.positionAt(batch.next) });
        if (waiting.length === 1) process.later(dice.between(1, 60), write);
      },
      onHalt,
    },
  });
  await reader.join();
}
