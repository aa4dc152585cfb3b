// Who are the users of a blackboard's broker: every principal of the policy, and the two processes that sign no claim.

import type { PrincipalPolicy } from '../../services/blackboard/policy.js';
import { snapshotPrincipal } from '../../services/runtime/snapshot-store.js';
import type { BrokerPrincipal } from './acls.js';

/**
 * The principals that access lists are written for.
 * @param userPrefix what all user names begin with, for a second blackboard on one cluster: users are the cluster's.
 */
export function brokerPrincipals(policy: Readonly<Record<string, Pick<PrincipalPolicy, 'role'>>>, userPrefix = ''): readonly BrokerPrincipal[] {
  const readers: typeof policy = { projector: { role: 'projector' }, [snapshotPrincipal]: { role: 'projector' } };
  return Object.entries({ ...readers, ...policy }).map(([name, { role }]) => ({
    name, role,
    ...(userPrefix === '' ? {} : { user: `${userPrefix}${name}` }),
    // Alone among the upstream: the others are foreign producers, who could take its place.
    ...(name === 'bridge' && role === 'upstream' ? { joins: true } : {}),
  }));
}
