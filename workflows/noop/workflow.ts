import { defineWorkflow } from '../../services/blackboard/workflow.js';

/** Three steps one after another, each a note of some 300 bytes: what the runtime itself costs. */
export const noopWorkflow = defineWorkflow({
  name: 'noop',
  description: 'three notes, one after another',
  deadlineMs: 300_000,
  steps: [
    { id: 'one', agent: 'noop', contract: 'note@1', deadlineMs: 60_000 },
    { id: 'two', agent: 'noop', contract: 'note@1', after: ['one'], inputs: ['one'], deadlineMs: 60_000 },
    { id: 'three', agent: 'noop', contract: 'note@1', after: ['two'], inputs: ['two'], deadlineMs: 60_000 },
  ],
  result: 'three',
});
