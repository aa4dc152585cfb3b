// The topology's own rules, and its drawing. A topology that breaks one is refused before anything is created from it.

import { BlackboardError } from '../services/runtime/errors.js';
import { prefixPattern, prefixShape, topics as ourTopics, type PrincipalRole, type TopicSpec } from './topics.js';

export type TopologyRule =
  | 'roles-complete' | 'single-writer' | 'agents-write-claims-only' | 'replay-writes-nothing' | 'writers-exist' | 'readers-exist'
  | 'orchestrator-reads' | 'key' | 'equal-partitions' | 'dense-offsets' | 'append-time' | 'plain-batches' | 'equal-retention' | 'name' | 'prefix';

export interface TopologyProblem {
  readonly rule: TopologyRule;
  readonly topic: string;
  readonly problem: string;
}

/** @throws BlackboardError TOPOLOGY_INVALID with every problem, each under its rule's name. */
export function validateTopology(specs: readonly TopicSpec[] = ourTopics, prefix = 'bb.'): void {
  const problems = topologyProblems(specs, prefix);
  if (problems.length === 0) return;
  const text = problems.map(({ rule, topic, problem }) => `${topic}: ${problem} (rule ${rule})`).join('; ');
  throw new BlackboardError('TOPOLOGY_INVALID', `the topology breaks its rules: ${text}; correct topics/topics.ts or the prefix`, { problems });
}

/** All problems of a topology; empty when it holds. */
export function topologyProblems(specs: readonly TopicSpec[], prefix: string): readonly TopologyProblem[] {
  return [...wholeProblems(specs, prefix), ...specs.flatMap(topicProblems)];
}

function wholeProblems(specs: readonly TopicSpec[], prefix: string): TopologyProblem[] {
  const problems: TopologyProblem[] = [];
  const report = (rule: TopologyRule, topic: string, problem: string): void => { problems.push({ rule, topic, problem }); };
  if (!prefixPattern.test(prefix)) report('prefix', prefix, `a prefix is ${prefixShape}`);
  for (const role of ['quarantine', 'verified', 'control', 'deadLetter'] as const) {
    const count = specs.filter((spec) => spec.role === role).length;
    if (count !== 1) report('roles-complete', role, `${count} topics have this role, exactly one must`);
  }
  for (const { suffix } of specs) {
    if (specs.filter((spec) => spec.suffix === suffix).length > 1) report('name', suffix, 'two topics have this name');
  }
  const quarantine = specs.find((spec) => spec.role === 'quarantine');
  const verified = specs.find((spec) => spec.role === 'verified');
  if (quarantine === undefined || verified === undefined) return problems;
  if (quarantine.partitions !== verified.partitions) report('equal-partitions', quarantine.suffix, 'a job must have the same partition number in quarantine and verified');
  for (const setting of ['retention.ms', 'retention.bytes']) {
    if (quarantine.config[setting] !== verified.config[setting]) report('equal-retention', quarantine.suffix, `${setting} differs from verified's; together they are the record`);
  }
  return problems;
}

function topicProblems(spec: TopicSpec): TopologyProblem[] {
  const problems: TopologyProblem[] = [];
  const report = (rule: TopologyRule, problem: string): void => { problems.push({ rule, topic: spec.suffix, problem }); };
  const onlyOrchestrator = spec.role === 'verified' || spec.role === 'deadLetter';
  if (onlyOrchestrator && spec.writers.join() !== 'orchestrator') report('single-writer', `written by ${list(spec.writers)}, but only the orchestrator may`);
  for (const writer of ['agent', 'verifier', 'upstream', 'gateway'] as const) {
    if (spec.role !== 'quarantine' && spec.writers.includes(writer)) report('agents-write-claims-only', `${writer} may write, but its records are claims and belong into quarantine`);
  }
  if (spec.writers.includes('replay')) report('replay-writes-nothing', 'replay may write, but it reads only');
  if (spec.writers.length === 0) report('writers-exist', 'nobody writes it');
  if (spec.readers.length === 0) report('readers-exist', 'nobody reads it');
  if (spec.role !== 'deadLetter' && !spec.readers.includes('orchestrator')) report('orchestrator-reads', 'the orchestrator does not read it, but decides by it');
  const byJob = spec.role === 'quarantine' || spec.role === 'verified';
  if (byJob !== (spec.key === 'job')) report('key', `its key is ${spec.key}; quarantine and verified are keyed by job, no other topic is`);
  if (byJob !== (spec.partitions === 'shared')) report('equal-partitions', `it has ${spec.partitions} partitions; quarantine and verified share one count, all others have 1`);
  if (spec.config['cleanup.policy'] !== 'delete') report('dense-offsets', 'cleanup.policy must be delete: compaction leaves gaps between offsets');
  if (spec.config['message.timestamp.type'] !== 'LogAppendTime') report('append-time', 'message.timestamp.type must be LogAppendTime: any other time is the writer\'s to fake');
  if (spec.config['compression.type'] !== 'uncompressed') report('plain-batches', 'compression.type must be uncompressed: a codec that its readers lack would stop them, and any writer may choose one');
  if (!/^[a-z0-9][a-z0-9-]{0,100}$/.test(spec.suffix)) report('name', 'a name is small letters, digits and "-"');
  return problems;
}

/** The topology as a Mermaid flow chart: writers, topics, readers. */
export function drawTopology(specs: readonly TopicSpec[] = ourTopics, prefix = 'bb.'): string {
  const roles = [...new Set(specs.flatMap((spec) => [...spec.writers, ...spec.readers]))];
  const lines = ['flowchart LR'];
  for (const role of roles) lines.push(`  ${role}([${role}])`);
  for (const { role, suffix, holds, partitions } of specs) {
    lines.push(`  topic_${role}[["${prefix}${suffix}<br/>${holds}<br/>${partitions === 'shared' ? 'the blackboard\'s partitions' : 'one partition'}"]]`);
  }
  for (const spec of specs) {
    for (const writer of spec.writers) lines.push(`  ${writer} --> topic_${spec.role}`);
    for (const reader of spec.readers) lines.push(`  topic_${spec.role} -.-> ${reader}`);
  }
  return `${lines.join('\n')}\n`;
}

function list(roles: readonly PrincipalRole[]): string {
  return roles.length === 0 ? 'nobody' : roles.join(', ');
}
