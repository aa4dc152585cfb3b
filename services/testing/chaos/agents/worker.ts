// Writes a note, in words of the model where the step asks for it. A model that gives nothing usable is a failure of
// the attempt; the last attempts do without it, so that a bad endpoint delays jobs and ends none.

import { z } from 'zod';
import { noteContract } from '../../../../workflows/noop/contracts.js';
import type { Agent, StepContext, StepOutcome } from '../../../agents/sdk/agent.js';
import { BlackboardError } from '../../../runtime/errors.js';
import { noteRun } from './runs-file.js';

const attemptsWithModel = 3;
const shape = z.strictObject({ text: z.string().max(2_000) });

export const agent: Agent = {
  name: 'worker', version: '1', promptHash: '', owns: 'nothing-written',
  async run(context) {
    noteRun('worker', context.request);
    const { job, step, attempt, params } = context.request;
    for (const input of context.request.inputs) await context.read(noteContract, input);
    const own = `${job} ${step} ${attempt} `.padEnd(300, '.');
    if (params['model'] !== true || context.model === null || attempt > attemptsWithModel) return note(context, own);
    try {
      const { value } = await context.model.ask({ system: 'Write one line.', user: job, name: 'note', shape });
      return note(context, `${job} ${step} ${attempt} ${value.text}`);
    } catch (error) {
      if (!(error instanceof BlackboardError) || error.code !== 'MODEL_UNAVAILABLE') throw error;
      return { outcome: 'failed', code: 'model-unavailable', retryable: true };
    }
  },
};

function note(context: StepContext, text: string): StepOutcome {
  return { outcome: 'proposed', artifacts: [{ type: 'note', body: context.write(noteContract, { text }), evidence: [], confidence: 1, freshAtMs: context.request.requestedAtMs }] };
}
