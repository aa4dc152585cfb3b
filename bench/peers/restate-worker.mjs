// The SDK's side of Restate: the service that its server calls.
import * as restate from '@restatedev/restate-sdk';
import { runStep, stepNames } from './w3.mjs';

const service = restate.service({ name: 'W3', handlers: { run: async (context, { job, slow }) => {
  let result = null;
  for (const step of stepNames) {
    const previous = result;
    result = await context.run(step, () => runStep(step, job, previous, slow));
  }
  return result;
} } });
await restate.serve({ services: [service], port: Number(process.env.W3_PORT) });
