// LangGraph.js with its Postgres checkpointer, durability "sync": each step is durable before the next begins.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import pg from 'pg';
import { postgresTotals, processes, runStep, serve, setup, stepNames } from './w3.mjs';

await serve(async () => {
  const saverPool = new pg.Pool({ connectionString: setup.postgresUrl, max: 20 });
  const saver = new PostgresSaver(saverPool);
  await saver.setup();
  const state = Annotation.Root({ job: Annotation(), slow: Annotation(), last: Annotation() });
  const graph = new StateGraph(state);
  for (const step of stepNames) graph.addNode(step, async ({ job, slow, last }) => ({ last: await runStep(step, job, last ?? null, slow) }));
  [START, ...stepNames, END].forEach((name, index, all) => { if (index > 0) graph.addEdge(all[index - 1], name); });
  const compiled = graph.compile({ checkpointer: saver });
  const pool = new pg.Pool({ connectionString: setup.postgresUrl, max: 1 });
  return {
    about: ['LangGraph.js 1.4.18, PostgresSaver 1.0.5, durability sync, pool of 20, in the driver\'s process'],
    processes: processes(), totals: postgresTotals(pool),
    runJob: async (job, slow) => (await compiled.invoke({ job, slow, last: null }, { configurable: { thread_id: job }, durability: 'sync' })).last,
    close: async () => { await pool.end(); await saverPool.end(); },
  };
});
