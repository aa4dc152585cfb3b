// Access lists, derived from the writers and readers in topics/topics.ts. A principal gets what its role needs and
// nothing else: no cluster administration, no transactional ids (the log's offsets must stay dense), no group but its
// own. Reading without a group (replay, operators) needs none.

import kafkajs, { type AclEntry, type Admin } from 'kafkajs';
import { BlackboardError } from '../../services/runtime/errors.js';
import type { KafkaConnection } from '../../services/runtime/log/kafka/kafka-client.js';
import { protocolType } from '../../services/runtime/log/kafka/kafka-error.js';
import { validateTopology } from '../../topics/graph.js';
import { groupName } from '../../topics/groups.js';
import { topicName, topics, type PrincipalRole } from '../../topics/topics.js';
import { aclDrift, missingFrom, toEntry, type AclDrift, type AclScope } from './acl-drift.js';
import { withAdmin } from './admin.js';
import { onceShown, shownWithinMs } from './once-shown.js';

/** A user of the broker. */
export interface BrokerPrincipal {
  /** The principal's, for an agent the agent's name. */
  readonly name: string;
  /** Its SASL user name, where that is not its name. */
  readonly user?: string;
  readonly role: PrincipalRole;
  /** Whether it reads as a member of its role's group; where it is not said, the role says it. */
  readonly joins?: boolean;
}

export interface AclRow {
  readonly principal: string;
  readonly operation: 'READ' | 'WRITE';
  readonly resource: 'topic' | 'group';
  readonly pattern: 'literal' | 'prefixed';
  readonly name: string;
}

const rolesWithoutGroup: readonly PrincipalRole[] = ['replay', 'upstream'];

/** All that these principals may do. Pure. @throws BlackboardError TOPOLOGY_INVALID */
export function aclRows(principals: readonly BrokerPrincipal[], prefix = 'bb.'): readonly AclRow[] {
  validateTopology(topics, prefix);
  return principals.flatMap((principal) => {
    const user = `User:${principal.user ?? principal.name}`;
    const rows: AclRow[] = [];
    for (const spec of topics) {
      const name = topicName(spec.role, prefix);
      if (spec.writers.includes(principal.role)) rows.push({ principal: user, operation: 'WRITE', resource: 'topic', pattern: 'literal', name });
      if (spec.readers.includes(principal.role)) rows.push({ principal: user, operation: 'READ', resource: 'topic', pattern: 'literal', name });
    }
    if (principal.joins ?? !rolesWithoutGroup.includes(principal.role)) {
      const group = groupName(principal, prefix);
      // With the dot: a prefix alone would open the groups of every agent whose name begins with this one's.
      rows.push({ principal: user, operation: 'READ', resource: 'group', pattern: 'literal', name: group });
      rows.push({ principal: user, operation: 'READ', resource: 'group', pattern: 'prefixed', name: `${group}.` });
    }
    return rows;
  });
}

/**
 * Creates these access lists on the broker; those that exist stay as they are. Returns how many rows were sent.
 * @throws BlackboardError TOPOLOGY_DRIFT (the broker keeps no access lists), KAFKA_UNAVAILABLE
 */
export async function applyAcls(connection: KafkaConnection, rows: readonly AclRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  await withAdmin(connection, async (admin) => {
    await kept(connection, admin.createAcls({ acl: rows.map(toEntry) }));
    await untilShown(connection, admin, rows, 0);
  });
  return rows.length;
}

/** Takes these access lists away, in force for connections that are open, too. Returns how many were there. @throws as applyAcls */
export async function removeAcls(connection: KafkaConnection, rows: readonly AclRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  return await withAdmin(connection, async (admin) => {
    const { filterResponses } = await kept(connection, admin.deleteAcls({ filters: rows.map(toEntry) }));
    await untilShown(connection, admin, rows, rows.length);
    return filterResponses.reduce((sum, { matchingAcls }) => sum + matchingAcls.length, 0);
  });
}

/**
 * Compares the broker's access lists with the data: for the topics and groups of a prefix, transactional ids (of which
 * the data has none) and power over the cluster. The connection's own user counts as an administrator.
 * @throws BlackboardError TOPOLOGY_DRIFT (the broker keeps no access lists), KAFKA_UNAVAILABLE
 */
export async function checkAcls(connection: KafkaConnection, rows: readonly AclRow[], scope: Partial<AclScope> = {}): Promise<AclDrift> {
  const found = await withAdmin(connection, (admin) => allAcls(connection, admin));
  const self = connection.sasl === undefined ? [] : [connection.sasl.username];
  return aclDrift(found, rows, { prefix: scope.prefix ?? 'bb.', administrators: [...self, ...(scope.administrators ?? [])] });
}

async function allAcls(connection: KafkaConnection, admin: Admin): Promise<AclEntry[]> {
  const { resources } = await kept(connection, admin.describeAcls({
    resourceType: kafkajs.AclResourceTypes.ANY, resourcePatternType: kafkajs.ResourcePatternTypes.ANY,
    operation: kafkajs.AclOperationTypes.ANY, permissionType: kafkajs.AclPermissionTypes.ANY,
  }));
  return resources.flatMap((resource) => resource.acls.map((acl) => ({ ...resource, ...acl })));
}

/** Who checks next must not find undone what was accepted. */
async function untilShown(connection: KafkaConnection, admin: Admin, rows: readonly AclRow[], missingCount: number): Promise<void> {
  const { length } = await onceShown(async () => missingFrom(await allAcls(connection, admin), rows), (missing) => missing.length === missingCount);
  if (length !== missingCount) throw new BlackboardError('TOPOLOGY_DRIFT', `the broker accepted a change of ${rows.length} access lists, and ${shownWithinMs} ms later it shows ${rows.length - length} of them; does somebody else change them?`);
}

/** A broker without an authorizer lets everybody do everything: that is said as what it is. */
async function kept<T>(connection: KafkaConnection, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (protocolType(error) !== 'SECURITY_DISABLED') throw error;
    throw new BlackboardError('TOPOLOGY_DRIFT', `the broker at ${connection.brokers.join(', ')} keeps no access lists: whoever reaches it may write facts. Set authorizer.class.name, super.users and allow.everyone.if.no.acl.found=false there, as infra/compose/scram.yml does`, {}, { cause: error });
  }
}
