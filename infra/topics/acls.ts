// Access lists, derived from the writers and readers in topics/topics.ts. A principal gets what its role needs and
// nothing else: no cluster administration, no transactional ids (the log's offsets must stay dense), no group but its
// own. Reading without a group (replay, operators) needs none.

import kafkajs, { type AclEntry } from 'kafkajs';
import type { KafkaConnection } from '../../services/runtime/log/kafka/kafka-client.js';
import { validateTopology } from '../../topics/graph.js';
import { groupName } from '../../topics/groups.js';
import { topicName, topics, type PrincipalRole } from '../../topics/topics.js';
import { withAdmin } from './admin.js';

/** A user of the broker. */
export interface BrokerPrincipal {
  /** The SASL user name, for an agent the agent's name. */
  readonly name: string;
  readonly role: PrincipalRole;
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
    const user = `User:${principal.name}`;
    const rows: AclRow[] = [];
    for (const spec of topics) {
      const name = topicName(spec.role, prefix);
      if (spec.writers.includes(principal.role)) rows.push({ principal: user, operation: 'WRITE', resource: 'topic', pattern: 'literal', name });
      if (spec.readers.includes(principal.role)) rows.push({ principal: user, operation: 'READ', resource: 'topic', pattern: 'literal', name });
    }
    if (!rolesWithoutGroup.includes(principal.role)) {
      const group = groupName(principal, prefix);
      // With the dot: a prefix alone would open the groups of every agent whose name begins with this one's.
      rows.push({ principal: user, operation: 'READ', resource: 'group', pattern: 'literal', name: group });
      rows.push({ principal: user, operation: 'READ', resource: 'group', pattern: 'prefixed', name: `${group}.` });
    }
    return rows;
  });
}

/** Creates these access lists on the broker; those that exist stay as they are. Returns how many rows were sent. */
export async function applyAcls(connection: KafkaConnection, rows: readonly AclRow[]): Promise<number> {
  if (rows.length > 0) await withAdmin(connection, async (admin) => { await admin.createAcls({ acl: rows.map(toEntry) }); });
  return rows.length;
}

export interface AclDrift {
  readonly missing: readonly AclRow[];
  /** On the topics of this prefix, and not in the data: e.g. somebody else who may write verified. */
  readonly surplus: readonly string[];
}

/** Compares the broker's access lists for the topics of a prefix, and for the rows' groups, with the data. */
export async function checkAcls(connection: KafkaConnection, rows: readonly AclRow[], prefix = 'bb.'): Promise<AclDrift> {
  const found = await withAdmin(connection, async (admin) => {
    const { ANY: anyPattern } = kafkajs.ResourcePatternTypes;
    const { resources } = await admin.describeAcls({
      resourceType: kafkajs.AclResourceTypes.ANY, resourcePatternType: anyPattern,
      operation: kafkajs.AclOperationTypes.ANY, permissionType: kafkajs.AclPermissionTypes.ANY,
    });
    return resources.flatMap((resource) => resource.acls.map((acl) => ({ ...resource, ...acl })));
  });
  const present = new Set(found.map(entryText));
  const wanted = new Set(rows.map((row) => entryText(toEntry(row))));
  const ours = new Set<string>(topics.map((spec) => topicName(spec.role, prefix)));
  const touches = (entry: AclEntry): boolean => entry.resourceType === kafkajs.AclResourceTypes.TOPIC
    && (entry.resourcePatternType === kafkajs.ResourcePatternTypes.PREFIXED
      ? [...ours].some((name) => name.startsWith(entry.resourceName))
      : ours.has(entry.resourceName) || entry.resourceName === '*');
  return {
    missing: rows.filter((row) => !present.has(entryText(toEntry(row)))),
    surplus: found.filter((entry) => touches(entry) && !wanted.has(entryText(entry))).map(entryText),
  };
}

function toEntry(row: AclRow): AclEntry {
  return {
    principal: row.principal,
    host: '*',
    operation: kafkajs.AclOperationTypes[row.operation],
    permissionType: kafkajs.AclPermissionTypes.ALLOW,
    resourceType: row.resource === 'topic' ? kafkajs.AclResourceTypes.TOPIC : kafkajs.AclResourceTypes.GROUP,
    resourceName: row.name,
    resourcePatternType: row.pattern === 'literal' ? kafkajs.ResourcePatternTypes.LITERAL : kafkajs.ResourcePatternTypes.PREFIXED,
  };
}

function nameOf(codes: Readonly<Record<string, string | number>>, code: number): string {
  return Object.entries(codes).find(([, value]) => value === code)?.[0] ?? String(code);
}

function entryText(entry: AclEntry): string {
  return [
    entry.principal, nameOf(kafkajs.AclPermissionTypes, entry.permissionType), nameOf(kafkajs.AclOperationTypes, entry.operation), 'on',
    nameOf(kafkajs.AclResourceTypes, entry.resourceType), nameOf(kafkajs.ResourcePatternTypes, entry.resourcePatternType), entry.resourceName, 'from', entry.host,
  ].join(' ');
}
