// The worker's side of Temporal: workflow and activities in one process.
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { runStep, stepNames } from '../w3.mjs';

Runtime.install({ logger: new DefaultLogger('WARN') });
const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS });
const worker = await Worker.create({
  connection, namespace: 'default', taskQueue: 'w3', workflowsPath: fileURLToPath(new URL('workflows.js', import.meta.url)),
  activities: Object.fromEntries(stepNames.map((step) => [step, (job, previous, slow) => runStep(step, job, previous, slow)])),
  maxConcurrentActivityTaskExecutions: 1_000, maxConcurrentWorkflowTaskExecutions: 1_000, maxCachedWorkflows: 4_000, maxConcurrentWorkflowTaskPolls: 20, maxConcurrentActivityTaskPolls: 20,
});
await worker.run();
await connection.close();
