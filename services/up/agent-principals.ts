import { shippedPrincipals } from '../../workflows/policy.js';
import type { Agent } from '../agents/sdk/agent.js';
import type { PrincipalPolicy } from '../blackboard/policy.js';
import { BlackboardError } from '../runtime/errors.js';
import { snapshotPrincipal } from '../runtime/snapshot-store.js';

/**
 * Agents that were added to the ones that ship become principals of their own name; `verifies` makes a verifier.
 * @param beside agents that run in the same pool.
 * @throws BlackboardError CONFIG_INVALID for a name that is taken: of two agents one would never be asked, and a service
 * whose principal became an agent's could do nothing.
 */
export function agentPrincipals(agents: readonly Agent[], beside: readonly Agent[] = []): Readonly<Record<string, PrincipalPolicy>> {
  const services = Object.entries(shippedPrincipals).flatMap(([name, { agent }]) => (agent === '' ? [name] : []));
  const taken = new Set([...services, snapshotPrincipal, ...beside.map(({ name }) => name)]);
  for (const { name } of agents) {
    if (taken.has(name)) throw new BlackboardError('CONFIG_INVALID', `the agent ${name}: a service or another agent has this name; choose another one`, { agent: name });
    taken.add(name);
  }
  return Object.fromEntries(agents.map((agent) => [agent.name, { role: agent.verifies === true ? 'verifier' as const : 'agent' as const, agent: agent.name, tenants: [] }]));
}
