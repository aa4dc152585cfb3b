// The topology as data: what each topic holds, who may write and read it, how it is keyed and kept.
// Creation, ACLs, subjects and the drawing are derived from this file; nothing else names a topic.

/** A full topic name with its prefix, e.g. `bb.verified`. Made by `topicName` only. */
export type TopicName = string & { readonly __brand: 'TopicName' };

export type TopicRole = 'quarantine' | 'verified' | 'control' | 'deadLetter';

/** Roles of principals, as far as the broker's access lists tell them apart. */
export type PrincipalRole = 'orchestrator' | 'ingress' | 'upstream' | 'agent' | 'verifier' | 'gateway' | 'projector' | 'operator' | 'replay';

export interface TopicSpec {
  readonly role: TopicRole;
  /** Behind the prefix. */
  readonly suffix: string;
  readonly holds: string;
  readonly writers: readonly PrincipalRole[];
  readonly readers: readonly PrincipalRole[];
  /** What the record key is; `job` means murmur2(job id) chooses the partition. */
  readonly key: 'job' | 'origin' | 'none';
  /** `shared`: the blackboard's partition count, equal for quarantine and verified for ever. */
  readonly partitions: 'shared' | 1;
  readonly config: Readonly<Record<string, string>>;
  /** Message classes whose schemas are the topic's subjects. */
  readonly messages: readonly ('claim' | 'fact' | 'control' | 'deadLetter')[];
}

const keptForEver = {
  'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime',
  // A writer may pack its batches with any codec, and one that a reader lacks would stop the reader: the broker unpacks.
  'compression.type': 'uncompressed',
} as const;

export const topics: readonly TopicSpec[] = [
  {
    role: 'quarantine', suffix: 'quarantine', holds: 'claims: nobody acts on them but the orchestrator',
    writers: ['ingress', 'upstream', 'agent', 'verifier', 'gateway', 'orchestrator'], readers: ['orchestrator', 'ingress', 'operator', 'replay'],
    key: 'job', partitions: 'shared', config: keptForEver, messages: ['claim'],
  },
  {
    role: 'verified', suffix: 'verified', holds: 'facts, in the one order that counts',
    writers: ['orchestrator'], readers: ['orchestrator', 'ingress', 'agent', 'verifier', 'gateway', 'projector', 'operator', 'replay'],
    key: 'job', partitions: 'shared', config: keptForEver, messages: ['fact'],
  },
  {
    role: 'control', suffix: 'control', holds: 'changes of policy, as events',
    writers: ['ingress'], readers: ['orchestrator', 'ingress', 'agent', 'verifier', 'gateway', 'projector', 'operator', 'replay'],
    key: 'none', partitions: 1, config: keptForEver, messages: ['control'],
  },
  {
    role: 'deadLetter', suffix: 'dead-letter', holds: 'bytes that could not be decoded, with reason and origin',
    writers: ['orchestrator'], readers: ['ingress', 'operator'],
    key: 'origin', partitions: 1, config: keptForEver, messages: ['deadLetter'],
  },
];

/** Limits that every log must keep; the broker's `max.message.bytes` is set from the first. */
export const limits = {
  /** One append (one record batch) at most. */
  batchBytesMax: 512 * 1024,
  /** Records in one append at most: kafkajs groups in O(n²). */
  batchRecordsMax: 250,
  /** One record's value at most; a larger artifact goes by reference. */
  recordBytesMax: 384 * 1024,
} as const;

/**
 * Prefixes of topics. The dot, and no other, keeps one blackboard's names from being the beginning of another's; and
 * with `-agent` in one, `acme-agent-x` would be a group of two: of `acme.`'s agent `x`, and of `acme-agent.`'s role `x`.
 */
export const prefixPattern = /^(?!.*-agent[-.])[a-z0-9][a-z0-9-]{0,60}\.$/;
export const prefixShape = 'lower-case letters, digits and dashes, without "-agent"; ends with a dot';

/** The name of a topic under a prefix such as `bb.`. */
export function topicName(role: TopicRole, prefix = 'bb.'): TopicName {
  const spec = topics.find((topic) => topic.role === role);
  if (spec === undefined) throw new Error(`no topic has the role ${role}`);
  return `${prefix}${spec.suffix}` as TopicName;
}

export interface TopicNames {
  /** Of all of them, e.g. `bb.`. */
  readonly prefix: string;
  readonly quarantine: TopicName;
  readonly verified: TopicName;
  readonly control: TopicName;
  readonly deadLetter: TopicName;
}

export function topicNames(prefix = 'bb.'): TopicNames {
  return {
    prefix,
    quarantine: topicName('quarantine', prefix),
    verified: topicName('verified', prefix),
    control: topicName('control', prefix),
    deadLetter: topicName('deadLetter', prefix),
  };
}
