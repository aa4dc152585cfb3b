import { proxyActivities } from '@temporalio/workflow';

const steps = proxyActivities({ startToCloseTimeout: '1 minute' });

/** Three normal activities: each result is committed by the server before the next begins. */
export async function w3(job, slow) {
  let result = null;
  for (const step of ['plan', 'research', 'write']) result = await steps[step](job, result, slow);
  return result;
}
