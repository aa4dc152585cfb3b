import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupName } from '../../topics/groups.js';
import { topicNames } from '../../topics/topics.js';
import { shippedPrincipals } from '../../workflows/policy.js';
import { aclRows } from './acls.js';
import { brokerPrincipals } from './broker-principals.js';

const own = { ...shippedPrincipals, crm: { role: 'upstream' }, 'word-counter': { role: 'agent' } } as const;

test('names every process that shares the broker, also those that sign no claim', () => {
  const names = brokerPrincipals(own).map(({ name }) => name);
  for (const name of ['orchestrator', 'ingress', 'gateway', 'projector', 'snapshots', 'researcher', 'bridge', 'crm', 'word-counter']) assert.ok(names.includes(name), name);
  assert.equal(new Set(names).size, names.length);
});

test('lets the bridge join its group, and no other upstream, who would take its place', () => {
  const groupsOf = (name: string) => aclRows(brokerPrincipals(own).filter((principal) => principal.name === name)).filter(({ resource }) => resource === 'group').map((row) => row.name);
  assert.deepEqual(groupsOf('bridge'), ['bb-upstream', 'bb-upstream.']);
  assert.deepEqual(groupsOf('crm'), []);
});

test('gives two blackboards of one cluster no user in common, while topics and groups keep the principals\' names', () => {
  const rows = aclRows(brokerPrincipals(own, 'acme-'), 'acme.');
  const users = new Set(aclRows(brokerPrincipals(own)).map(({ principal }) => principal));
  assert.deepEqual(rows.filter(({ principal }) => users.has(principal)), []);
  assert.ok(rows.some((row) => row.principal === 'User:acme-orchestrator' && row.operation === 'WRITE' && row.name === topicNames('acme.').verified));
  assert.ok(rows.some((row) => row.principal === 'User:acme-word-counter' && row.name === groupName({ name: 'word-counter', role: 'agent' }, 'acme.')));
});
