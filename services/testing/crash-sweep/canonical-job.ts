// The job that reaches every seam: a failed first attempt and its backoff (a tick), a model, bodies by reference that
// an independent verifier looks at, an answer inline, a result by reference; and beside it a job that is cancelled.
// Each run of an agent leaves a line in the file CRASH_SWEEP_RUNS: which process ran which attempt.

import { appendFileSync } from 'node:fs';
import { once } from 'node:events';
import { z } from 'zod';
import { noteContract } from '../../../workflows/noop/contracts.js';
import type { Agent, StepContext, StepOutcome } from '../../agents/sdk/agent.js';
import { noopAgent } from '../../agents/noop/agent.js';
import { defineWorkflow, type Workflow } from '../../blackboard/workflow.js';

/** Nothing may expire while processes die one after the other. */
const patience = { contract: 'note@1', attempts: 20, deadlineMs: 600_000, verificationDeadlineMs: 600_000 } as const;

export const workflows: readonly Workflow[] = [
  defineWorkflow({
    name: 'sweep', description: 'reaches every seam', deadlineMs: 3600_000, result: 'finish',
    steps: [
      { id: 'draft', agent: 'sweep-drafter', verifier: 'sweep-checker', backoffMs: 40, ...patience },
      { id: 'note', agent: 'sweep-noter', after: ['draft'], inputs: ['draft'], ...patience },
      { id: 'finish', agent: 'sweep-finisher', after: ['note'], inputs: ['draft', 'note'], ...patience },
    ],
  }),
  defineWorkflow({
    name: 'sweep-held', description: 'waits until it is cancelled', deadlineMs: 3600_000, result: 'hold',
    steps: [{ id: 'hold', agent: 'sweep-holder', ...patience }],
  }),
];

/** More than rides inline. */
const longChars = 20_000;

/** The sweep's agents, for AGENT_MODULES and for `up`. */
export function agents(): readonly Agent[] {
  return [
    recorded({ ...blank('sweep-drafter'), run: draft }),
    recorded({
      ...blank('sweep-checker'), verifies: true,
      run: async (context) => {
        const verdicts = await Promise.all(context.request.candidates.map(async (candidate) => {
          const { text } = await context.read(noteContract, candidate);
          const accepted = text.startsWith(context.request.job);
          return { hash: candidate.hash, accepted, reason: accepted ? '' : 'wrong-job', checksPassed: accepted ? 1 : 0, checksTotal: 1 };
        }));
        return { outcome: 'judged', verdicts };
      },
    }),
    recorded(noopAgent({ name: 'sweep-noter' })),
    recorded({
      ...blank('sweep-finisher'),
      run: async (context) => {
        const read = await Promise.all(context.request.inputs.map((input) => context.read(noteContract, input)));
        if (read.some(({ text }) => !text.startsWith(context.request.job))) return { outcome: 'failed', code: 'wrong-input', retryable: false };
        return note(context, longChars);
      },
    }),
    recorded({
      ...blank('sweep-holder'),
      run: async ({ signal }) => {
        if (!signal.aborted) await once(signal, 'abort');
        return { outcome: 'failed', code: 'held-to-the-end', retryable: false };
      },
    }),
  ];
}

async function draft(context: StepContext): Promise<StepOutcome> {
  if (context.request.attempt === 1) return { outcome: 'failed', code: 'first-attempt', retryable: true };
  if (context.model === null) return { outcome: 'failed', code: 'no-model', retryable: false };
  await context.model.ask({ system: 'sweep', user: attemptOf(context), name: 'sweep', shape: z.strictObject({ said: z.string() }) });
  return note(context, longChars);
}

function note(context: StepContext, chars: number): StepOutcome {
  const { job, step, requestedAtMs } = context.request;
  const body = context.write(noteContract, { text: `${job} ${step} `.padEnd(chars, '.') });
  return { outcome: 'proposed', artifacts: [{ type: 'note', body, evidence: [], confidence: 1, freshAtMs: requestedAtMs }] };
}

function blank(name: string): Omit<Agent, 'run'> {
  return { name, version: '1', promptHash: '', owns: 'nothing-done' };
}

function attemptOf({ request: { job, step, attempt } }: StepContext): string {
  return `${job}/${step}/${attempt}`;
}

function recorded(agent: Agent): Agent {
  return {
    ...agent,
    run: (context) => {
      noteRun(`${context.request.kind} ${attemptOf(context)}`);
      return agent.run(context);
    },
  };
}

/** One line in one write: other processes append to the same file. */
export function noteRun(what: string): void {
  const path = process.env['CRASH_SWEEP_RUNS'];
  if (path !== undefined) appendFileSync(path, `${process.pid} ${what}\n`);
}
