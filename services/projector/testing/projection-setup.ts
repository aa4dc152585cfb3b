// A log in memory, an empty migrated database, and what the tests of the projector ask about both.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '../../../infra/sql/migrate.js';
import { topicNames, type TopicName } from '../../../topics/topics.js';
import { embeddedCodec } from '../../runtime/codec/embedded-codec.js';
import type { EventCodec } from '../../runtime/codec/event-codec.js';
import { MemoryLogStore, type MemoryLog } from '../../runtime/log/memory/memory-log.js';
import type { ListeningDatabase } from '../../runtime/postgres/listening-database.js';
import { openPgliteDatabase } from '../../runtime/postgres/pglite-database.js';
import { projectRoot } from '../../runtime/project-root.js';
import { rebuild } from '../rebuild.js';
import type { ProjectorOptions } from '../run-projector.js';
import { tableHash, type TableHash } from '../table-hash.js';
import { fillLog } from './sample-facts.js';

export const codec: EventCodec = embeddedCodec(join(projectRoot, 'schemas'));
export const verified: TopicName = topicNames('test.').verified;

export interface TestLog {
  readonly log: MemoryLog;
  readonly store: MemoryLogStore;
  /** Appends whole jobs, with stale epochs among them, to every partition; answers the records appended. */
  fill(jobs: number, from?: number): Promise<number>;
}

/** With a clock of its own the same calls make the same log, byte for byte, in any process. */
export function openTestLog(partitions = 2, clock?: () => number): TestLog {
  const store = new MemoryLogStore({ topics: [{ name: verified, partitions }], ...(clock === undefined ? {} : { clock }) });
  const log = store.open();
  return {
    log, store,
    fill: async (jobs, from = 0) => {
      let count = 0;
      for (let partition = 0; partition < partitions; partition += 1) count += await fillLog({ log, codec, topic: verified, partition, jobs, from: from + partition * 100_000 });
      return count;
    },
  };
}

/** The same log in every process that asks for it. */
export async function openRepeatableLog(jobs: number): Promise<TestLog & { readonly records: number }> {
  let nowMs = 1_760_000_000_000;
  const test = openTestLog(2, () => (nowMs += 3));
  return { ...test, records: await test.fill(jobs) };
}

/** Options of a projector that must not halt. */
export function projectorOptions(log: MemoryLog, db: ListeningDatabase, more: Partial<ProjectorOptions> = {}): ProjectorOptions {
  return { log, db, codec, topic: verified, group: 'projector', retryMsMax: 200, onHalt: (error) => { throw error; }, ...more };
}

export async function rowCount(db: ListeningDatabase): Promise<number> {
  const [row] = await db.query<{ count: number }>('SELECT count(*) AS count FROM audit_rows');
  return row?.count ?? 0;
}

/** Waits until the table has so many rows; throws when it has more, or has not after `deadlineMs`. */
export async function untilRows(db: ListeningDatabase, count: number, deadlineMs = 20_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await rowCount(db).catch(() => -1);
    if (found === count) return;
    if (found > count || performance.now() > end) throw new Error(`expected ${count} audit rows, found ${found}`);
    await sleep(20);
  }
}

/** What the log says the tables must be: a rebuild into an empty database, with another batch size. */
export async function expectedHash(log: MemoryLog, rowsMax = 137): Promise<TableHash> {
  const db = await openPgliteDatabase();
  try {
    await migrate(db);
    await rebuild({ log, codec, db, topic: verified, rowsMax });
    return await tableHash(db);
  } finally {
    await db.close();
  }
}
