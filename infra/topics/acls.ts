// Access lists, derived from the writers and readers in topics/topics.ts. A principal gets what its role needs and
// nothing else: no cluster administration, no transactional ids (the log's offsets must stay dense), no group but its
// own. Reading without a group (replay, operators) needs none.

import kafkajs, { type AclEntry, type AclFilter, type Admin } from 'kafkajs';
import { BlackboardError } from '../../services/runtime/errors.js';
import type { KafkaConnection } from '../../services/runtime/log/kafka/kafka-client.js';
import { protocolType } from '../../services/runtime/log/kafka/kafka-error.js';
import { validateTopology } from '../../topics/graph.js';
import { groupName } from '../../topics/groups.js';
import { topicName, topics, type PrincipalRole } from '../../topics/topics.js';
import { aclDrift, entryText, grantsOf, missingFrom, toEntry, type AclDrift, type AclScope } from './acl-drift.js';
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
    await untilShown(connection, admin, rows);
  });
  return rows.length;
}

/** What a user may do with a blackboard, in words, whoever gave it. @throws as applyAcls */
export async function grantsOfUser(connection: KafkaConnection, user: string, prefix: string): Promise<readonly string[]> {
  return grantsOf(await withAdmin(connection, (admin) => allAcls(connection, admin)), user, prefix).map(entryText).sort();
}

/** Takes that away, in force for connections that are open, too, and leaves refusals. Returns what was there, in words. @throws as applyAcls */
export async function removeGrantsOfUser(connection: KafkaConnection, user: string, prefix: string): Promise<readonly string[]> {
  // Over all tries: what one of them took away without hearing of it, the next does not find.
  const asked = new Map<string, AclEntry>();
  await withAdmin(connection, async (admin) => {
    const found = grantsOf(await allAcls(connection, admin), user, prefix);
    for (const entry of found) asked.set(entryText(entry), entry);
    if (found.length > 0) await kept(connection, admin.deleteAcls({ filters: found.map(toFilter) }));
    const left = await onceShown(async () => (await allAcls(connection, admin)).filter((entry) => asked.has(entryText(entry))), ({ length }) => length === 0);
    if (left.length > 0) throw shownOtherwise(asked.size, asked.size - left.length);
  });
  return [...asked.keys()].sort();
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

/** Whatever access lists the broker keeps. @throws BlackboardError TOPOLOGY_DRIFT (it keeps none) */
export async function allAcls(connection: KafkaConnection, admin: Admin): Promise<AclEntry[]> {
  const { resources } = await kept(connection, admin.describeAcls({
    resourceType: kafkajs.AclResourceTypes.ANY, resourcePatternType: kafkajs.ResourcePatternTypes.ANY,
    operation: kafkajs.AclOperationTypes.ANY, permissionType: kafkajs.AclPermissionTypes.ANY,
  }));
  return resources.flatMap((resource) => resource.acls.map((acl) => ({ ...resource, ...acl })));
}

/** Who checks next must not find undone what was accepted. */
async function untilShown(connection: KafkaConnection, admin: Admin, rows: readonly AclRow[]): Promise<void> {
  const missing = await onceShown(async () => missingFrom(await allAcls(connection, admin), rows), ({ length }) => length === 0);
  if (missing.length > 0) throw shownOtherwise(rows.length, rows.length - missing.length);
}

function shownOtherwise(asked: number, shown: number): BlackboardError {
  return new BlackboardError('TOPOLOGY_DRIFT', `the broker accepted a change of ${asked} access lists, and ${shownWithinMs} ms later it shows ${shown} of these changes; does somebody else change them?`);
}

/** One entry and no other. */
function toFilter({ resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType }: AclEntry): AclFilter {
  return { resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType };
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
