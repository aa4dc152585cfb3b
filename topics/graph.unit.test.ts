import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlackboardError } from '../services/runtime/errors.js';
import { drawTopology, topologyProblems, validateTopology, type TopologyRule } from './graph.js';
import { topicNames, topics, type TopicRole, type TopicSpec } from './topics.js';

function changed(role: TopicRole, change: Partial<TopicSpec>): TopicSpec[] {
  return topics.map((spec) => (spec.role === role ? { ...spec, ...change } : spec));
}

function config(role: TopicRole, change: Record<string, string>): TopicSpec[] {
  return changed(role, { config: { ...topics.find((spec) => spec.role === role)!.config, ...change } });
}

test('accepts the topology that ships', () => {
  validateTopology();
  validateTopology(topics, 'acme-claims.');
  validateTopology(topics, 'acme-agents.');
});

const broken: readonly [string, TopologyRule, readonly TopicSpec[]][] = [
  ['a second writer of verified', 'single-writer', changed('verified', { writers: ['orchestrator', 'gateway'] })],
  ['another writer of verified', 'single-writer', changed('verified', { writers: ['ingress'] })],
  ['a second writer of the dead letters', 'single-writer', changed('deadLetter', { writers: ['orchestrator', 'ingress'] })],
  ['an agent that writes control', 'agents-write-claims-only', changed('control', { writers: ['ingress', 'agent'] })],
  ['a replay that writes', 'replay-writes-nothing', changed('quarantine', { writers: ['ingress', 'replay'] })],
  ['a topic that nobody writes', 'writers-exist', changed('control', { writers: [] })],
  ['a topic that nobody reads', 'readers-exist', changed('deadLetter', { readers: [] })],
  ['an orchestrator that does not see the claims', 'orchestrator-reads', changed('quarantine', { readers: ['ingress'] })],
  ['verified without the job as its key', 'key', changed('verified', { key: 'none' })],
  ['control keyed by job', 'key', changed('control', { key: 'job' })],
  ['one partition of quarantine for many of verified', 'equal-partitions', changed('quarantine', { partitions: 1 })],
  ['control in many partitions', 'equal-partitions', changed('control', { partitions: 'shared' })],
  ['a compacted topic', 'dense-offsets', config('verified', { 'cleanup.policy': 'compact' })],
  ['times of the writers', 'append-time', config('quarantine', { 'message.timestamp.type': 'CreateTime' })],
  ['batches packed as their writers like', 'plain-batches', config('quarantine', { 'compression.type': 'producer' })],
  ['claims forgotten before their facts', 'equal-retention', config('quarantine', { 'retention.ms': '1000' })],
  ['two topics of one name', 'name', changed('control', { suffix: 'verified' })],
  ['a name that Kafka does not take', 'name', changed('control', { suffix: 'con trol' })],
  ['a missing role', 'roles-complete', topics.filter((spec) => spec.role !== 'control')],
];

for (const [what, rule, specs] of broken) {
  test(`refuses ${what}, by rule ${rule}`, () => {
    assert.ok(topologyProblems(specs, 'bb.').some((problem) => problem.rule === rule));
    assert.throws(() => validateTopology(specs), (error) => error instanceof BlackboardError && error.code === 'TOPOLOGY_INVALID' && error.message.includes(`rule ${rule}`));
  });
}

for (const prefix of ['', 'bb', 'b b.', '.', 'bb..', 'bb.x.', 'BB.', 'bb-agent.', 'bb-agent-x.']) {
  test(`refuses the prefix ${JSON.stringify(prefix)}`, () => {
    assert.deepEqual(topologyProblems(topics, prefix).map((problem) => problem.rule), ['prefix']);
  });
}

test('reports every problem at once', () => {
  const specs = changed('verified', { writers: ['agent'], key: 'none', partitions: 1 });
  assert.deepEqual(new Set(topologyProblems(specs, 'bb.').map((problem) => problem.rule)), new Set(['single-writer', 'agents-write-claims-only', 'key', 'equal-partitions']));
});

test('draws each topic once, and an edge for each writer and reader', () => {
  const drawing = drawTopology();
  const edges = topics.reduce((count, spec) => count + spec.writers.length + spec.readers.length, 0);
  assert.equal(drawing.split('\n').filter((line) => line.includes('->')).length, edges);
  for (const name of topics.map((spec) => topicNames()[spec.role])) assert.equal(drawing.split(`"${name}<br/>`).length, 2);
  assert.match(drawing, /^flowchart LR\n/);
  assert.ok(drawing.includes('  orchestrator --> topic_verified\n'));
  assert.ok(!drawing.includes('agent --> topic_verified'));
});
