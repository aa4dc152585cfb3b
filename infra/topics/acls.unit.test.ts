import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topologyProblems } from '../../topics/graph.js';
import { topicNames, topics, type PrincipalRole } from '../../topics/topics.js';
import { groupName } from '../../topics/groups.js';
import { aclRows } from './acls.js';

const names = topicNames();
const roles: readonly PrincipalRole[] = ['orchestrator', 'ingress', 'upstream', 'agent', 'verifier', 'gateway', 'projector', 'operator', 'replay'];

function may(role: PrincipalRole, operation: 'READ' | 'WRITE'): string[] {
  return aclRows([{ name: 'x', role }]).filter((row) => row.operation === operation && row.resource === 'topic').map((row) => row.name).sort();
}

test('lets the orchestrator alone write verified and the dead letters', () => {
  for (const name of [names.verified, names.deadLetter]) {
    assert.deepEqual(roles.filter((role) => may(role, 'WRITE').includes(name)), ['orchestrator']);
  }
});

test('gives an agent what it needs and no more', () => {
  assert.deepEqual(aclRows([{ name: 'collector', role: 'agent' }]), [
    { principal: 'User:collector', operation: 'WRITE', resource: 'topic', pattern: 'literal', name: names.quarantine },
    { principal: 'User:collector', operation: 'READ', resource: 'topic', pattern: 'literal', name: names.verified },
    { principal: 'User:collector', operation: 'READ', resource: 'topic', pattern: 'literal', name: names.control },
    { principal: 'User:collector', operation: 'READ', resource: 'group', pattern: 'literal', name: 'bb-agent-collector' },
    { principal: 'User:collector', operation: 'READ', resource: 'group', pattern: 'prefixed', name: 'bb-agent-collector.' },
  ]);
});

test('lets replay read, and write and join nothing', () => {
  assert.deepEqual(may('replay', 'WRITE'), []);
  assert.ok(may('replay', 'READ').includes(names.verified));
  assert.ok(aclRows([{ name: 'x', role: 'replay' }]).every((row) => row.resource === 'topic'));
});

test('opens no group of another agent, whatever the names', () => {
  const rows = aclRows([{ name: 'research', role: 'agent' }]).filter((row) => row.resource === 'group');
  const opens = (group: string): boolean => rows.some((row) => (row.pattern === 'literal' ? row.name === group : group.startsWith(row.name)));
  assert.ok(opens(groupName({ name: 'research', role: 'agent' })));
  assert.ok(!opens(groupName({ name: 'researcher', role: 'agent' })));
  assert.ok(!opens(groupName({ name: 'any', role: 'orchestrator' })));
});

test('keeps the topics and groups of two blackboards apart', () => {
  const rows = aclRows([{ name: 'collector', role: 'agent' }], 'acme.');
  assert.ok(rows.every((row) => row.name.startsWith('acme.') || row.name.startsWith('acme-')));
});

test('opens no group of another blackboard, whatever prefixes are taken', () => {
  const taken = ['bb.', 'bb-agent.', 'bb-agent-x.', 'bb-orchestrator.'].filter((prefix) => topologyProblems(topics, prefix).length === 0);
  assert.ok(taken.length >= 2);
  for (const prefix of taken) {
    for (const other of taken.filter((one) => one !== prefix)) {
      const groups = roles.flatMap((role) => ['orchestrator', 'agent-x', 'x-orchestrator', 'agent-orchestrator'].map((name) => groupName({ name, role }, other)));
      const rows = roles.flatMap((role) => ['orchestrator', 'agent-x', 'x-orchestrator', 'agent-orchestrator'].flatMap((name) => aclRows([{ name, role }], prefix))).filter(({ resource }) => resource === 'group');
      for (const group of groups) assert.deepEqual(rows.filter((row) => (row.pattern === 'literal' ? row.name === group : group.startsWith(row.name))), [], `${group} of ${other} is open to ${prefix}`);
    }
  }
});
