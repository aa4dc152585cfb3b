import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workflowSchema } from './workflow.js';

const step = (id: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({ id, agent: `${id}-agent`, contract: 'thing@1', deadlineMs: 1_000, ...more });
const rulesOf = (...steps: readonly unknown[]): readonly string[] => {
  const parsed = workflowSchema.safeParse({ name: 'plans', deadlineMs: 60_000, steps, result: 'joined' });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

test('takes a template that expands a plan, and refuses one that expands what another template makes', () => {
  const [plan, parts, joined] = [step('plan'), step('parts', { after: ['plan'], expandsFrom: 'plan' }), step('joined', { after: ['parts'] })];
  assert.deepEqual(rulesOf(plan, parts, joined), []);
  const found = rulesOf(plan, parts, step('smaller', { after: ['parts'], expandsFrom: 'parts' }), joined);
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /^steps\.2\.expandsFrom: parts is a template itself/);
});
