// What the broker's access lists open that the data does not, judged without a broker. It is about power over one
// blackboard: who may read, write or take a place where the data names nobody of that name, and who may give that to
// itself. Who may only look (DESCRIBE) is nobody's business, and of refusals (DENY) only those that meet ours: also of
// looking, since a DENY wins over what READ and WRITE imply, and a topic that may not be looked at is not there.

import kafkajs, { type AclEntry } from 'kafkajs';
import { groupSpaces } from '../../topics/groups.js';
import { topicName, topics } from '../../topics/topics.js';
import type { AclRow } from './acls.js';

export interface AclDrift {
  readonly missing: readonly AclRow[];
  /** In words: each grant, on what is this blackboard's, that is not in the data. */
  readonly surplus: readonly string[];
}

export interface AclScope {
  /** Of the topics, e.g. `bb.`. */
  readonly prefix: string;
  /** Users whose rights to administer are not reported; what they may read or write is. */
  readonly administrators: readonly string[];
}

const { AclResourceTypes: resources, AclOperationTypes: operations, AclPermissionTypes: permissions, ResourcePatternTypes: patterns } = kafkajs;
const looks: readonly number[] = [operations.DESCRIBE, operations.DESCRIBE_CONFIGS];
/** What nobody needs in order to administer. */
const uses: readonly number[] = [operations.READ, operations.WRITE, operations.ALL];
/** What makes a user of the cluster its master. */
const powers: readonly number[] = [operations.ALL, operations.ALTER, operations.ALTER_CONFIGS, operations.CLUSTER_ACTION];

/** Compares what was found with what is wanted. Pure. */
export function aclDrift(found: readonly AclEntry[], rows: readonly AclRow[], scope: AclScope): AclDrift {
  const wanted = new Set(rows.map((row) => entryText(toEntry(row))));
  const ours = new Set(['User:*', ...rows.map(({ principal }) => principal)]);
  const isOfConcern = (entry: AclEntry): boolean => (entry.permissionType === permissions.DENY
    ? ours.has(entry.principal) && entry.resourceType !== resources.TRANSACTIONAL_ID && entry.operation !== operations.DESCRIBE_CONFIGS && concerns(entry, scope.prefix)
    : isOpen(entry, scope));
  return {
    missing: missingFrom(found, rows),
    surplus: found.filter((entry) => !wanted.has(entryText(entry)) && isOfConcern(entry)).map(entryText),
  };
}

/** The rows that nothing found is. Pure. */
export function missingFrom(found: readonly AclEntry[], rows: readonly AclRow[]): readonly AclRow[] {
  const present = new Set(found.map(entryText));
  return rows.filter((row) => !present.has(entryText(toEntry(row))));
}

/** All that a user of the broker may do with a blackboard, to look included, whoever gave it; refusals are left out. Pure. */
export function grantsOf(found: readonly AclEntry[], user: string, prefix: string): readonly AclEntry[] {
  return found.filter((entry) => entry.principal === `User:${user}` && entry.permissionType === permissions.ALLOW && concerns(entry, prefix));
}

function isOpen(entry: AclEntry, { prefix, administrators }: AclScope): boolean {
  const { resourceType, operation, principal } = entry;
  const isAdministrator = administrators.some((name) => principal === `User:${name}`);
  if (looks.includes(operation) || (isAdministrator && (resourceType === resources.CLUSTER || !uses.includes(operation)))) return false;
  return concerns(entry, prefix);
}

/** Whether an entry is about what is this blackboard's, or gives power over it. */
function concerns(entry: AclEntry, prefix: string): boolean {
  switch (entry.resourceType) {
    case resources.TOPIC: return topics.some(({ role }) => covers(entry, { literal: topicName(role, prefix) }));
    case resources.GROUP: return groupSpaces(prefix).some((space) => covers(entry, space));
    // The log's offsets must stay dense: nobody has any.
    case resources.TRANSACTIONAL_ID: return true;
    case resources.CLUSTER: return powers.includes(entry.operation);
    default: return false;
  }
}

/** Whether an entry meets something within a space of names: one name, all that begin with another, or both. */
function covers({ resourcePatternType, resourceName }: AclEntry, { literal, prefixed }: { readonly literal?: string; readonly prefixed?: string }): boolean {
  const isMet = resourcePatternType === patterns.PREFIXED
    ? (name: string): boolean => name.startsWith(resourceName)
    : (name: string): boolean => resourceName === '*' || name === resourceName;
  return (literal !== undefined && isMet(literal)) || (prefixed !== undefined && (isMet(prefixed) || resourceName.startsWith(prefixed)));
}

export function toEntry(row: AclRow): AclEntry {
  return {
    principal: row.principal,
    host: '*',
    operation: operations[row.operation],
    permissionType: permissions.ALLOW,
    resourceType: row.resource === 'topic' ? resources.TOPIC : resources.GROUP,
    resourceName: row.name,
    resourcePatternType: row.pattern === 'literal' ? patterns.LITERAL : patterns.PREFIXED,
  };
}

function nameOf(codes: Readonly<Record<string, string | number>>, code: number): string {
  return Object.entries(codes).find(([, value]) => value === code)?.[0] ?? String(code);
}

/** E.g. `User:collector ALLOW READ on TOPIC LITERAL bb.verified from *`. */
export function entryText(entry: AclEntry): string {
  return [
    entry.principal, nameOf(permissions, entry.permissionType), nameOf(operations, entry.operation), 'on',
    nameOf(resources, entry.resourceType), nameOf(patterns, entry.resourcePatternType), entry.resourceName, 'from', entry.host,
  ].join(' ');
}
