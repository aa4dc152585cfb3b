// Rows per second of a rebuild and of the running projector from a log in memory into a real Postgres, against COPY
// of the same audit rows by the server alone: `node measure-drain.js [jobs]`.

import { rmSync } from 'node:fs';
import { startPostgres } from '../../../infra/local/postgres.js';
import { migrate } from '../../../infra/sql/migrate.js';
import { openPgDatabase } from '../../runtime/postgres/pg-database.js';
import { rebuild } from '../rebuild.js';
import { runProjector } from '../run-projector.js';
import { codec, openTestLog, projectorOptions, verified } from './projection-setup.js';

const jobs = Number(process.argv[2] ?? 5_000);
const server = await startPostgres();
const { log, fill } = openTestLog();
const records = await fill(jobs);

async function timed(name: string, rows: number, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  process.stdout.write(`${name}: ${rows} rows in ${seconds.toFixed(2)} s = ${Math.round(rows / seconds)} rows/s (own CPU ${((used.user + used.system) / 1e6).toFixed(2)} s)\n`);
}

for (const name of ['rebuilt', 'followed', 'followed_warm']) {
  const db = openPgDatabase({ connectionString: await server.createDatabase(name) });
  await migrate(db);
  await timed(name, records, async () => {
    if (name === 'rebuilt') await rebuild({ log, codec, db, topic: verified });
    else {
      const projector = await runProjector(projectorOptions(log, db, { group: name }));
      const ends = new Map((await log.ranges(verified)).map((range) => [range.partition, range.next - 1]));
      await new Promise<void>((resolve) => {
        projector.onCommitted(({ partition, lastOffset }) => {
          if (ends.get(partition) === lastOffset) ends.delete(partition);
          if (ends.size === 0) resolve();
        });
      });
      await projector.stop();
    }
  });
  if (name === 'followed_warm') {
    const [size] = await db.query<{ rows: number; bytes: number }>("SELECT count(*) AS rows, pg_total_relation_size('audit_rows') AS bytes FROM audit_rows");
    process.stdout.write(`audit_rows with indexes: ${Math.round((size?.bytes ?? 0) / (size?.rows ?? 1))} bytes a row\n`);
    const columns = 'topic, partition, "offset", ts, stale, event_type, node, agent, agent_version, tenant, job, instance, step, attempt, model, prompt_hash, policy_version, workflow_version, input_hash, output_hash, rubric_score, latency_ms, cost_micros, fallback_taken, edge_label, reason, epoch, cause, causation, correlation, on_behalf_of, signer, authentic, trace, digest, detail';
    const file = `${server.dir}/data/rows.copy`;
    await db.query(`COPY (SELECT ${columns} FROM audit_rows) TO '${file}'`);
    await db.script('CREATE TABLE same (LIKE audit_rows INCLUDING ALL); CREATE TABLE bare (LIKE audit_rows INCLUDING GENERATED)');
    await timed('COPY, same indexes', records, () => db.query(`COPY same (${columns}) FROM '${file}'`));
    await timed('COPY, no index', records, () => db.query(`COPY bare (${columns}) FROM '${file}'`));
    rmSync(file);
  }
  await db.close();
}
await log.close();
await server.stop('fast');
