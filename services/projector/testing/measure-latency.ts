// From an append to its rows' commit, one small batch at a time, on PGlite in memory and on a real Postgres.

import { startPostgres } from '../../../infra/local/postgres.js';
import { migrate } from '../../../infra/sql/migrate.js';
import type { ListeningDatabase } from '../../runtime/postgres/listening-database.js';
import { openPgDatabase } from '../../runtime/postgres/pg-database.js';
import { openPgliteDatabase } from '../../runtime/postgres/pglite-database.js';
import { runProjector } from '../run-projector.js';
import { codec, openTestLog, projectorOptions, verified } from './projection-setup.js';
import { jobFacts, sampleFact } from './sample-facts.js';

async function measure(name: string, db: ListeningDatabase): Promise<void> {
  await migrate(db);
  const { log } = openTestLog(1);
  const append = async (facts: readonly Parameters<typeof codec.encode>[0][]): Promise<number> =>
    (await log.append({ topic: verified, partition: 0, records: facts.map((fact) => ({ key: Buffer.from('k'), value: codec.encode(fact) })) })).baseOffset + facts.length - 1;
  await append([sampleFact('EpochStarted', { epoch: -1 })]);
  const projector = await runProjector(projectorOptions(log, db));
  let wanted = -1;
  let reached = -1;
  let wake = (): void => undefined;
  projector.onCommitted(({ lastOffset }) => {
    reached = lastOffset;
    if (reached >= wanted) wake();
  });
  const waits: number[] = [];
  for (let number = 0; number < 400; number += 1) {
    const start = performance.now();
    const last = await append(jobFacts(number, 0));
    wanted = last;
    if (reached < wanted) await new Promise<void>((resolve) => { wake = resolve; });
    if (number >= 100) waits.push(performance.now() - start);
  }
  await projector.stop();
  waits.sort((a, b) => a - b);
  process.stdout.write(`${name}: 11 facts, p50 ${waits[150]?.toFixed(2)} ms, p99 ${waits[297]?.toFixed(2)} ms\n`);
  await Promise.all([db.close(), log.close()]);
}

const server = await startPostgres();
await measure('PGlite', await openPgliteDatabase());
await measure('Postgres', openPgDatabase({ connectionString: server.url }));
await server.stop('fast');
