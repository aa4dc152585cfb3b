// A workflow is data: a DAG of steps with contracts, gates, deadlines and attempts, versioned by its content.

import { z } from 'zod';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'lower-case letters, digits and dashes, at most 64');

/** The longest that a job may live; readers that start anew look back so far. */
export const jobDeadlineMsMax = 7 * 24 * 3600_000;

export const variationSchema = z.strictObject({
  kind: z.enum(['constraint', 'tool', 'tier']),
  value: z.string().max(200),
});

export const stepSchema = z.strictObject({
  id: name,
  agent: name,
  /** Steps (or templates: all steps made from them) that must be settled first. */
  after: z.array(name).default([]),
  /** Steps or templates whose verified artifacts this step may read. */
  inputs: z.array(name).default([]),
  /** Contract of each artifact that the step may propose. */
  contract: z.string().regex(/^[a-z][a-z0-9-]*@[0-9]+$/),
  /** Agent that must look at each candidate; empty: the gate's own checks are enough. */
  verifier: z.union([name, z.literal('')]).default(''),
  /** Artifacts the verifier may read besides the candidates. */
  verifierInputs: z.array(name).default([]),
  /** Attempts at most, the first included. */
  attempts: z.int().min(1).max(20).default(3),
  deadlineMs: z.int().min(1),
  verificationDeadlineMs: z.int().min(1).default(60_000),
  /** Wait before attempt n + 1: backoffMs · 2^(n-1). */
  backoffMs: z.int().min(0).default(0),
  /** How attempt 2, 3, … differ; the last is used again with its number added. */
  variations: z.array(variationSchema).default([]),
  /** Verified artifacts that complete the step. */
  acceptedMin: z.int().min(0).default(1),
  /** An answer without any artifact completes the step: nothing was found, which is an answer. */
  mayFindNothing: z.boolean().default(false),
  artifactsMax: z.int().min(1).max(64).default(16),
  /** A failed required step fails the job; another one counts as settled. */
  required: z.boolean().default(true),
  confidenceMin: z.number().min(0).max(1).default(0),
  /** Age at most of an artifact's data when it is judged; 0: not checked. */
  freshForMs: z.int().min(0).default(0),
  /** Parameters of every attempt; those named in `jobParams` are copied from the job; a name that ends in `?` may be missing. */
  params: z.record(z.string(), z.json()).default({}),
  jobParams: z.array(z.string().max(65)).default([]),
  /** Makes this a template: one step per item of that step's verified plan. */
  expandsFrom: z.union([name, z.literal('')]).default(''),
  expandMax: z.int().min(1).max(64).default(8),
});

export const workflowSchema = z.strictObject({
  name,
  description: z.string().max(400).default(''),
  /** A job's own deadline when the submission names none. */
  deadlineMs: z.int().min(1).max(jobDeadlineMsMax),
  costCapMicros: z.int().min(0).default(0),
  steps: z.array(stepSchema).min(1).max(64),
  /** The step whose first verified artifact is the job's result. */
  result: name,
}).superRefine((workflow, context) => {
  const ids = new Map(workflow.steps.map((step, index) => [step.id, index]));
  if (ids.size !== workflow.steps.length) context.addIssue({ code: 'custom', path: ['steps'], message: 'step ids must differ' });
  const result = workflow.steps.find((step) => step.id === workflow.result);
  if (result === undefined) context.addIssue({ code: 'custom', path: ['result'], message: `no step is called ${workflow.result}` });
  if (result !== undefined && result.expandsFrom !== '') context.addIssue({ code: 'custom', path: ['result'], message: 'a template has no result of its own; join its steps in one' });
  workflow.steps.forEach((step, index) => {
    for (const [field, others] of [['after', step.after], ['inputs', step.inputs], ['verifierInputs', step.verifierInputs], ['expandsFrom', step.expandsFrom === '' ? [] : [step.expandsFrom]]] as const) {
      for (const other of others) {
        // Steps are listed in an order that respects their edges: that they form no cycle is then plain to see.
        if ((ids.get(other) ?? Infinity) >= index) context.addIssue({ code: 'custom', path: ['steps', index, field], message: `${other} must be a step listed before ${step.id}` });
      }
    }
    const source = workflow.steps.find((other) => other.id === step.expandsFrom);
    if (source !== undefined && source.verifier !== '') context.addIssue({ code: 'custom', path: ['steps', index, 'expandsFrom'], message: `the plan of ${source.id} goes by reference to its verifier, so that the gate cannot read its items` });
    if (source !== undefined && source.expandsFrom !== '') context.addIssue({ code: 'custom', path: ['steps', index, 'expandsFrom'], message: `${source.id} is a template itself, whose steps expand nothing: the job would wait until its deadline` });
    if (step.verifier === step.agent) context.addIssue({ code: 'custom', path: ['steps', index, 'verifier'], message: 'an agent cannot verify its own work' });
  });
});

export type Workflow = z.output<typeof workflowSchema>;
export type WorkflowInput = z.input<typeof workflowSchema>;
export type WorkflowStep = z.output<typeof stepSchema>;

/** Validates a definition and fills in the defaults. @throws ZodError naming each field and rule. */
export function defineWorkflow(definition: WorkflowInput): Workflow {
  return workflowSchema.parse(definition);
}
