// Names of consumer groups: what a service joins and what the access lists allow are made by the same function.

import type { PrincipalRole } from './topics.js';

const shared = ['orchestrator', 'ingress', 'upstream', 'gateway', 'projector', 'operator', 'replay'] as const satisfies readonly PrincipalRole[];

/**
 * The consumer group of a principal under a topic prefix: `bb-agent-collector`, `bb-orchestrator`. Groups that begin
 * with it and a dot are its own as well.
 */
export function groupName({ name, role }: { readonly name: string; readonly role: PrincipalRole }, prefix = 'bb.'): string {
  const base = prefix.replace(/\.$/, '');
  return role === 'agent' || role === 'verifier' ? `${base}-agent-${name}` : `${base}-${role}`;
}

/** A part of all group names: one name, and every name that begins with `prefixed`. */
export interface GroupSpace {
  readonly literal?: string;
  readonly prefixed: string;
}

/** Where all groups of a blackboard are, whatever its agents are called. */
export function groupSpaces(prefix = 'bb.'): readonly GroupSpace[] {
  const ofRoles = shared.map((role) => groupName({ name: '', role }, prefix)).map((literal) => ({ literal, prefixed: `${literal}.` }));
  return [...ofRoles, { prefixed: groupName({ name: '', role: 'agent' }, prefix) }];
}
