// The example of a third party's agent, exactly as it ships: its module by path, its workflow as JSON, on the runtime as
// it is.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadWorkflows } from '../../workflows/load-workflows.js';
import { loadPolicy } from '../../workflows/policy.js';
import { workflowSchema } from '../blackboard/workflow.js';
import { createLogger } from '../runtime/logger.js';
import { projectRoot } from '../runtime/project-root.js';
import { startAll } from '../up/start-all.js';
import { loadAgents } from './load-agents.js';

const folder = join(projectRoot, 'examples/third-party-agent');

test('runs an agent of a third party from its own package, without a change to the runtime', { timeout: 60_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'blackboard-third-party-'));
  const workflow = workflowSchema.parse(JSON.parse(readFileSync(join(folder, 'workflows/count-words.json'), 'utf8')));
  const all = await startAll({ world: { mode: 'embedded', dataDir, partitions: 2 }, logger: createLogger({ service: 'test', level: 'silent' }), agents: await loadAgents(join(folder, 'agent.mjs')), workflows: [workflow] });
  const run = async (key: string, params: unknown): Promise<{ readonly outcome: string; readonly reason: string | null; readonly result: { readonly value: unknown } | null }> => {
    const submitted = await fetch(`${all.ingressUrl}/v1/jobs`, { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': key }, body: JSON.stringify({ workflow: 'count-words', params }) });
    assert.equal(submitted.ok, true, `${submitted.status}`);
    const { job } = await submitted.json() as { job: string };
    const answer = await fetch(`${all.ingressUrl}/v1/jobs/${job}/result?wait=30`);
    return await answer.json() as never;
  };
  try {
    const counted = await run('good', { text: 'The quick brown fox and the lazy dog' });
    assert.equal(counted.outcome, 'completed');
    assert.deepEqual(counted.result?.value, { text: '8 words, 7 of them different' });
    const empty = await run('empty', { text: '…' });
    assert.deepEqual([empty.outcome, empty.result], ['failed', null]);
  } finally {
    await all.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test('the example puts its principal and its workflow in force by files alone', async () => {
  const policy = loadPolicy({ principalsFile: join(folder, 'principals.json') }, await loadWorkflows([join(folder, 'workflows')]));
  assert.deepEqual(policy.principals['word-counter'], { role: 'agent', agent: 'word-counter', tenants: [] });
  assert.equal(policy.workflows['count-words']?.steps[0]?.agent, 'word-counter');
});
