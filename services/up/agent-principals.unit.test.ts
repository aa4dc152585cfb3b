import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noopAgent } from '../agents/noop/agent.js';
import { agentPrincipals } from './agent-principals.js';

test('an added agent is a principal of its own name, and a verifier where it verifies', () => {
  assert.deepEqual(agentPrincipals([noopAgent({ name: 'noop' }), { ...noopAgent({ name: 'own-eyes' }), verifies: true }], [noopAgent({ name: 'planner' })]), {
    'noop': { role: 'agent', agent: 'noop', tenants: [] },
    'own-eyes': { role: 'verifier', agent: 'own-eyes', tenants: [] },
  });
});

test('refuses an agent under the name of a service, of one that runs beside it, or of another one', () => {
  for (const name of ['ingress', 'gateway', 'orchestrator', 'bridge', 'snapshots', 'planner']) {
    assert.throws(() => agentPrincipals([noopAgent({ name })], [noopAgent({ name: 'planner' })]), { code: 'CONFIG_INVALID', message: new RegExp(`the agent ${name}`) });
  }
  assert.throws(() => agentPrincipals([noopAgent({ name: 'own' }), noopAgent({ name: 'own' })]), { code: 'CONFIG_INVALID' });
});
