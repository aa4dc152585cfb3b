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
  /** By partition and offset. */
  readonly rows = new Map<number, Map<number, AuditRow>>();
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
      this.#insert(audit);
      if (job === null) continue;
      const name = `${job.job}/${job.instance}`;
      let known = this.jobs.get(name);
      if (known === undefined) this.jobs.set(name, known = { accepted: 0, ended: 0, lastOffset: -1 });
      if (job.lastOffset <= known.lastOffset) this.problems.push(`job ${name} went from ${known.lastOffset} back to ${job.lastOffset}`);
      known.accepted += job.accepted === null ? 0 : 1;
      known.ended += job.ended === null ? 0 : 1;
      known.lastOffset = job.lastOffset;
    }
    this.positions.set(partition, to);
    const stored = this.stored.get(partition);
    if (stored === undefined) this.stored.set(partition, [to]);
    else stored.push(to);
  }

  #insert(row: AuditRow): void {
    let rows = this.rows.get(row.partition);
    if (rows === undefined) this.rows.set(row.partition, rows = new Map());
    if (rows.has(row.offset)) this.problems.push(`row ${row.partition}/${row.offset} was written twice`);
    rows.set(row.offset, row);
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
