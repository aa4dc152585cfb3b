// graphile-worker: three chained jobs of a plain queue, the floor: no history, no audit, no workflow.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { postgresTotals, processes, runStep, serve, setup, stepNames } from './w3.mjs';

await serve(async () => {
  const pgPool = new pg.Pool({ connectionString: setup.postgresUrl, max: 40 });
  await pgPool.query('CREATE TABLE IF NOT EXISTS result (job text PRIMARY KEY, outcome jsonb)');
  const waiting = new Map();
  const task = (step, next) => async ({ job, slow, previous }, { addJob, query }) => {
    const result = await runStep(step, job, previous, slow);
    if (next !== undefined) return void await addJob(next, { job, slow, previous: result });
    await query('INSERT INTO result VALUES ($1, $2)', [job, result]);
    waiting.get(job)?.(result);
    waiting.delete(job);
  };
  const logger = new Logger(() => () => {});
  const taskList = Object.fromEntries(stepNames.map((step, index) => [step, task(step, stepNames[index + 1])]));
  let runner = await run({ pgPool, concurrency: 8, logger, noHandleSignals: true, taskList });
  const utils = await makeWorkerUtils({ pgPool, logger });
  const pool = new pg.Pool({ connectionString: setup.postgresUrl, max: 1 });
  return {
    about: ['graphile-worker 0.16.6, three chained jobs, 8 workers (1,000 for slow steps), in the driver\'s process'],
    processes: processes(), totals: postgresTotals(pool),
    runJob: (job, slow) => new Promise((resolve, reject) => {
      waiting.set(job, resolve);
      utils.addJob(stepNames[0], { job, slow, previous: null }).catch(reject);
    }),
    slowSteps: async (begin) => {
      await runner.stop();
      runner = await run({ pgPool, concurrency: begin ? 1_000 : 8, logger, noHandleSignals: true, taskList });
    },
    close: async () => { await runner.stop(); await utils.release(); await pool.end(); await pgPool.end(); },
  };
});
