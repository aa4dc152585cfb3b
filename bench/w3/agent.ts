// The agent of W3, loaded by an agents process as any third party's: reads the note before, writes the next.

import { setTimeout as sleep } from 'node:timers/promises';
import { noteContract } from '../../workflows/noop/contracts.js';
import type { Agent } from '../../services/agents/sdk/agent.js';
import { slowStepMs, stepNames, stepResult, type StepResult } from './workload.js';

/** Takes the place of the no-op agent: the workflow that ships, with results that are read and checked. */
export const agent: Agent = {
  name: 'w3', version: '1', promptHash: '', owns: 'nothing-done',
  async run(context) {
    const { request } = context;
    const step = stepNames[request.step === 'one' ? 0 : request.step === 'two' ? 1 : 2];
    if (request.params['slow'] === true) await sleep(slowStepMs, undefined, { signal: context.signal });
    const [input] = request.inputs;
    const previous = input === undefined ? null : JSON.parse((await context.read(noteContract, input)).text) as StepResult;
    const text = JSON.stringify(stepResult(step, String(request.params['name'] ?? previous?.job), previous));
    return { outcome: 'proposed', artifacts: [{ type: 'note', body: context.write(noteContract, { text }), evidence: [], confidence: 1, freshAtMs: request.requestedAtMs }] };
  },
};
