// Names of consumer groups: what a service joins and what the access lists allow are made by the same function.

import type { PrincipalRole } from './topics.js';

/**
 * The consumer group of a principal under a topic prefix: `bb-agent-collector`, `bb-orchestrator`. Groups that begin
 * with it and a dot are its own as well.
 */
export function groupName({ name, role }: { readonly name: string; readonly role: PrincipalRole }, prefix = 'bb.'): string {
  const base = prefix.replace(/\.$/, '');
  return role === 'agent' || role === 'verifier' ? `${base}-agent-${name}` : `${base}-${role}`;
}
