import type { Agent } from '../agents/sdk/agent.js';
import type { PrincipalPolicy } from '../blackboard/policy.js';

/** Agents that were added to the ones that ship become principals of their own name; `verifies` makes a verifier. */
export function agentPrincipals(agents: readonly Agent[]): Readonly<Record<string, PrincipalPolicy>> {
  return Object.fromEntries(agents.map((agent) => [agent.name, { role: agent.verifies === true ? 'verifier' as const : 'agent' as const, agent: agent.name, tenants: [] }]));
}
