import kafkajs, { type AclEntry } from 'kafkajs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aclDrift, entryText, grantsOf, toEntry } from './acl-drift.js';
import { aclRows } from './acls.js';

const { AclResourceTypes: resources, AclOperationTypes: operations, AclPermissionTypes: permissions, ResourcePatternTypes: patterns } = kafkajs;
const rows = aclRows([{ name: 'orchestrator', role: 'orchestrator' }, { name: 'collector', role: 'agent' }]);
const wanted = rows.map(toEntry);
const scope = { prefix: 'bb.', administrators: ['admin'] };

type Written = readonly [principal: string, operation: keyof typeof operations, resource: keyof typeof resources, name: string, pattern?: keyof typeof patterns, permission?: keyof typeof permissions];

function entry([principal, operation, resource, resourceName, pattern = 'LITERAL', permission = 'ALLOW']: Written): AclEntry {
  return {
    principal: `User:${principal}`, host: '*', operation: operations[operation] as number, permissionType: permissions[permission] as number,
    resourceType: resources[resource] as number, resourceName, resourcePatternType: patterns[pattern] as number,
  };
}

const surplusOf = (...written: readonly Written[]): readonly string[] => aclDrift([...wanted, ...written.map(entry)], rows, scope).surplus;

test('finds nothing where the lists are the data, and each row that is missing where one is', () => {
  assert.deepEqual(aclDrift(wanted, rows, scope), { missing: [], surplus: [] });
  for (const [at, row] of rows.entries()) assert.deepEqual(aclDrift(wanted.filter((_, other) => other !== at), rows, scope), { missing: [row], surplus: [] });
});

const opens: readonly Written[] = [
  ['stranger', 'WRITE', 'TOPIC', 'bb.verified'], ['stranger', 'WRITE', 'TOPIC', '*'], ['*', 'ALL', 'TOPIC', 'bb', 'PREFIXED'], ['collector', 'WRITE', 'TOPIC', 'bb.verified'],
  ['stranger', 'DELETE', 'TOPIC', 'bb.dead-letter'], ['stranger', 'ALTER_CONFIGS', 'TOPIC', 'bb.quarantine'],
  ['stranger', 'READ', 'GROUP', '*'], ['stranger', 'DELETE', 'GROUP', 'bb-orchestrator'], ['collector', 'READ', 'GROUP', 'bb-agent-collector2'], ['stranger', 'READ', 'GROUP', 'bb-projector.1'], ['stranger', 'READ', 'GROUP', 'bb-agent-', 'PREFIXED'],
  ['stranger', 'WRITE', 'TRANSACTIONAL_ID', 'anything'],
  ['stranger', 'ALTER', 'CLUSTER', 'kafka-cluster'], ['stranger', 'ALL', 'CLUSTER', 'kafka-cluster'], ['stranger', 'CLUSTER_ACTION', 'CLUSTER', 'kafka-cluster'],
  ['admin', 'WRITE', 'TOPIC', 'bb.verified'], ['admin', 'ALL', 'TOPIC', 'bb.', 'PREFIXED'],
  ['orchestrator', 'WRITE', 'TOPIC', 'bb.verified', 'LITERAL', 'DENY'], ['*', 'READ', 'GROUP', 'bb-agent-', 'PREFIXED', 'DENY'],
  ['orchestrator', 'DESCRIBE', 'TOPIC', 'bb.verified', 'LITERAL', 'DENY'], ['*', 'DESCRIBE', 'TOPIC', 'bb.', 'PREFIXED', 'DENY'], ['collector', 'DESCRIBE', 'GROUP', '*', 'LITERAL', 'DENY'],
];
for (const written of opens) {
  test(`names ${written.join(' ')}`, () => assert.deepEqual(surplusOf(written), [entryText(entry(written))]));
}

const leaves: readonly Written[] = [
  ['monitor', 'DESCRIBE', 'TOPIC', '*'], ['monitor', 'DESCRIBE_CONFIGS', 'TOPIC', 'bb.verified'], ['monitor', 'DESCRIBE', 'GROUP', '*'], ['monitor', 'DESCRIBE', 'CLUSTER', 'kafka-cluster'],
  ['shop', 'WRITE', 'TOPIC', 'orders'], ['shop', 'READ', 'TOPIC', 'bbq.', 'PREFIXED'], ['shop', 'READ', 'GROUP', 'bb-agentless'], ['shop', 'IDEMPOTENT_WRITE', 'CLUSTER', 'kafka-cluster'],
  ['admin', 'ALTER', 'CLUSTER', 'kafka-cluster'], ['admin', 'ALTER_CONFIGS', 'TOPIC', 'bb.', 'PREFIXED'],
  ['stranger', 'WRITE', 'TOPIC', 'bb.verified', 'LITERAL', 'DENY'], ['*', 'ALL', 'TRANSACTIONAL_ID', '*', 'LITERAL', 'DENY'],
  ['stranger', 'DESCRIBE', 'TOPIC', 'bb.verified', 'LITERAL', 'DENY'], ['*', 'DESCRIBE', 'TOPIC', 'orders', 'LITERAL', 'DENY'], ['*', 'DESCRIBE_CONFIGS', 'TOPIC', '*', 'LITERAL', 'DENY'], ['*', 'DESCRIBE', 'CLUSTER', 'kafka-cluster', 'LITERAL', 'DENY'],
];
for (const written of leaves) {
  test(`leaves ${written.join(' ')} to others`, () => assert.deepEqual(surplusOf(written), []));
}

test('finds all that a user may do with a blackboard, to look included, and nothing of others, of refusals or of elsewhere', () => {
  const its = ([['mallory', 'WRITE', 'TOPIC', 'bb.verified'], ['mallory', 'DESCRIBE', 'TOPIC', '*'], ['mallory', 'READ', 'GROUP', 'bb-', 'PREFIXED'], ['mallory', 'WRITE', 'TRANSACTIONAL_ID', 'x'], ['mallory', 'ALTER', 'CLUSTER', 'kafka-cluster']] as const).map(entry);
  const others = ([
    ['mallory2', 'WRITE', 'TOPIC', 'bb.verified'], ['*', 'READ', 'TOPIC', 'bb.verified'], ['mallory', 'READ', 'TOPIC', 'bb.verified', 'LITERAL', 'DENY'],
    ['mallory', 'WRITE', 'TOPIC', 'orders'], ['mallory', 'READ', 'GROUP', 'shop'], ['mallory', 'DESCRIBE', 'CLUSTER', 'kafka-cluster'],
  ] as const).map(entry);
  assert.deepEqual(grantsOf([...others, ...its, ...wanted], 'mallory', 'bb.'), its);
});
