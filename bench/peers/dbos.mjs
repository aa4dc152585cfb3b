// DBOS: a workflow of three steps, started directly in the driver's process (its quickest documented way).
import { DBOS } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { postgresTotals, processes, runStep, serve, setup, stepNames } from './w3.mjs';

await serve(async () => {
  DBOS.setConfig({ name: 'w3', systemDatabaseUrl: setup.postgresUrl, logLevel: 'warn', enableOTLP: false });
  const workflow = DBOS.registerWorkflow(async (job, slow) => {
    let result = null;
    for (const step of stepNames) {
      const previous = result;
      result = await DBOS.runStep(() => runStep(step, job, previous, slow), { name: step });
    }
    return result;
  }, { name: 'w3' });
  await DBOS.launch();
  const pool = new pg.Pool({ connectionString: setup.postgresUrl, max: 1 });
  return {
    about: ['DBOS 5.3.0, startWorkflow in the driver\'s process, default pool of 10, Postgres with fsync'],
    processes: processes(), totals: postgresTotals(pool),
    runJob: async (job, slow) => (await DBOS.startWorkflow(workflow, { workflowID: job })(job, slow)).getResult(),
    close: async () => { await pool.end(); await DBOS.shutdown(); },
  };
});
