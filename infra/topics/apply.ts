// Makes the broker's topics match topics/topics.ts. It creates and configures; it never changes a partition count,
// because a job's partition is the hash of its id: another count would send its later records elsewhere.

import kafkajs, { type Admin } from 'kafkajs';
import { BlackboardError } from '../../services/runtime/errors.js';
import type { KafkaConnection } from '../../services/runtime/log/kafka/kafka-client.js';
import { validateTopology } from '../../topics/graph.js';
import { limits, topicName, topics, type TopicName, type TopicSpec } from '../../topics/topics.js';
import { withAdmin } from './admin.js';
import { onceShown, shownWithinMs } from './once-shown.js';

export type TopicProfile = 'local' | 'production';

export interface TopologySettings {
  /** E.g. `bb.`. */
  readonly prefix: string;
  /** Of quarantine and of verified, for ever. */
  readonly partitions: number;
  readonly replication: number;
  readonly profile: TopicProfile;
}

export interface TopicChange {
  readonly topic: TopicName;
  readonly change: 'created' | 'configured' | 'unchanged';
}

/** One difference between the broker and the data. */
export interface DriftRow {
  readonly topic: TopicName;
  /** `topic`, `partitions`, `replication` or a configuration's name. */
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
}

interface WantedTopic {
  readonly topic: TopicName;
  readonly partitions: number;
  readonly config: ReadonlyMap<string, string>;
}

/**
 * Creates missing topics and sets configurations; safe to run again.
 * @throws BlackboardError TOPOLOGY_INVALID (data or settings), TOPOLOGY_DRIFT (another partition count), KAFKA_UNAVAILABLE
 */
export async function applyTopics(connection: KafkaConnection, settings: TopologySettings): Promise<readonly TopicChange[]> {
  const wanted = wantedTopics(settings);
  return await withAdmin(connection, async (admin) => {
    const before = await drift(admin, wanted, settings);
    refuseFixed(before);
    const missing = wanted.filter(({ topic }) => before.some((row) => row.topic === topic && row.what === 'topic'));
    const areOurs = missing.length === 0 || await create(admin, missing, settings.replication);
    const now = areOurs ? before : await madeByOthers(connection, () => drift(admin, wanted, settings));
    const toConfigure = wanted.filter((one) => now.some((row) => row.topic === one.topic && row.what !== 'topic'));
    for (const one of toConfigure) await configure(admin, one);
    if (missing.length + toConfigure.length > 0) await untilShown(() => drift(admin, wanted, settings));
    return wanted.map((one) => ({ topic: one.topic, change: missing.includes(one) ? 'created' : toConfigure.includes(one) ? 'configured' : 'unchanged' }));
  });
}

/** What cannot be mended here. @throws BlackboardError TOPOLOGY_DRIFT */
function refuseFixed(rows: readonly DriftRow[]): void {
  const fixed = rows.filter((row) => row.what === 'partitions' || row.what === 'replication');
  if (fixed.length === 0) return;
  throw new BlackboardError('TOPOLOGY_DRIFT', `${described(fixed)}; partition counts never change and replication is not changed here: use the settings that the topics were made with, or another prefix`, { drift: fixed });
}

/** Of topics that were missing a moment ago, and are there already: somebody else's, with settings of his, or hidden from this user. */
async function madeByOthers(connection: KafkaConnection, look: () => Promise<readonly DriftRow[]>): Promise<readonly DriftRow[]> {
  const now = await onceShown(look, (rows) => hiddenIn(rows).length === 0);
  const hidden = hiddenIn(now);
  if (hidden.length > 0) {
    throw new BlackboardError('KAFKA_UNAVAILABLE', `${connection.sasl?.username ?? 'this client'} may not see topics that are there (${hidden.join(', ')}): it needs DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS on them; nothing is known of their settings`, { hidden });
  }
  refuseFixed(now);
  return now;
}

function hiddenIn(rows: readonly DriftRow[]): readonly TopicName[] {
  return rows.filter(({ what }) => what === 'topic').map(({ topic }) => topic);
}

/** Who checks next must not find undone what was accepted. */
async function untilShown(look: () => Promise<readonly DriftRow[]>): Promise<void> {
  const rows = await onceShown(look, ({ length }) => length === 0);
  refuseFixed(rows);
  if (rows.length > 0) throw new BlackboardError('TOPOLOGY_DRIFT', `the broker accepted all changes, and ${shownWithinMs} ms later it shows otherwise: ${described(rows)}; does somebody else change these topics?`, { drift: rows });
}

/** All differences between the broker and the data; empty when they match. */
export async function checkTopics(connection: KafkaConnection, settings: TopologySettings): Promise<readonly DriftRow[]> {
  const wanted = wantedTopics(settings);
  return await withAdmin(connection, async (admin) => await drift(admin, wanted, settings));
}

function wantedTopics({ prefix, partitions, replication, profile }: TopologySettings): WantedTopic[] {
  validateTopology(topics, prefix);
  if (!Number.isInteger(partitions) || partitions < 1) throw new BlackboardError('TOPOLOGY_INVALID', `${partitions} partitions: it must be a whole number of at least 1`);
  if (profile === 'production' && replication < 3) throw new BlackboardError('TOPOLOGY_INVALID', `replication ${replication} in the production profile: it must be 3 at least, so that one broker may fail while another is repaired`);
  return topics.map((spec) => ({
    topic: topicName(spec.role, prefix),
    partitions: spec.partitions === 'shared' ? partitions : spec.partitions,
    config: wantedConfig(spec, profile),
  }));
}

function wantedConfig(spec: TopicSpec, profile: TopicProfile): Map<string, string> {
  const config = new Map(Object.entries(spec.config));
  // A full batch with its records' own bytes (keys, values) and what the format adds to each.
  config.set('max.message.bytes', String(limits.batchBytesMax + limits.batchRecordsMax * 64 + 1_024));
  if (profile === 'production') {
    config.set('min.insync.replicas', '2');
    config.set('unclean.leader.election.enable', 'false');
  }
  return config;
}

async function drift(admin: Admin, wanted: readonly WantedTopic[], settings: TopologySettings): Promise<DriftRow[]> {
  const existing = new Set(await admin.listTopics());
  const present = wanted.filter(({ topic }) => existing.has(topic));
  const rows: DriftRow[] = wanted.filter(({ topic }) => !existing.has(topic)).map(({ topic }) => ({ topic, what: 'topic', wanted: 'exists', found: 'missing' }));
  if (present.length === 0) return rows;
  const { topics: described } = await admin.fetchTopicMetadata({ topics: present.map(({ topic }) => topic) });
  const configs = await dynamicConfigs(admin, present.map(({ topic }) => topic));
  for (const { topic, partitions, config } of present) {
    const found = described.find(({ name }) => name === topic)!.partitions;
    const report = (what: string, want: string, have: string): void => { if (want !== have) rows.push({ topic, what, wanted: want, found: have }); };
    report('partitions', String(partitions), String(found.length));
    report('replication', String(settings.replication), String(Math.min(...found.map((partition) => partition.replicas.length))));
    for (const [name, value] of config) {
      const have = configs.get(topic)?.all.get(name) ?? 'unknown';
      if (!isMet(name, value, have)) report(name, value, have);
    }
  }
  return rows;
}

/** Who asks for more copies than we do has what we want. */
function isMet(name: string, wanted: string, found: string): boolean {
  return wanted === found || (name === 'min.insync.replicas' && Number(found) > Number(wanted));
}

interface TopicConfig {
  readonly all: ReadonlyMap<string, string>;
  /** Set on the topic itself, not inherited. */
  readonly own: ReadonlyMap<string, string>;
}

const setOnTopic = 1;

async function dynamicConfigs(admin: Admin, names: readonly TopicName[]): Promise<Map<string, TopicConfig>> {
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })) });
  return new Map(resources.map(({ resourceName, configEntries }) => [resourceName, {
    all: new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    own: new Map(configEntries.filter(({ configSource }) => (configSource as number) === setOnTopic).map(({ configName, configValue }) => [configName, configValue])),
  }]));
}

/** False where some were there already. */
async function create(admin: Admin, missing: readonly WantedTopic[], replication: number): Promise<boolean> {
  return await admin.createTopics({
    waitForLeaders: true,
    topics: missing.map(({ topic, partitions, config }) => ({
      topic, numPartitions: partitions, replicationFactor: replication,
      configEntries: [...config].map(([name, value]) => ({ name, value })),
    })),
  });
}

async function configure(admin: Admin, { topic, config }: WantedTopic): Promise<void> {
  // This request replaces all of a topic's own settings: those that others made are sent along.
  const own = (await dynamicConfigs(admin, [topic])).get(topic)?.own ?? new Map<string, string>();
  const unmet = [...config].filter(([name, value]) => !isMet(name, value, own.get(name) ?? ''));
  const entries = [...new Map([...own, ...unmet])].map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries: entries }] });
}

function described(rows: readonly DriftRow[]): string {
  return rows.map(({ topic, what, wanted, found }) => `${topic} has ${found} as its ${what}, not ${wanted}`).join('; ');
}
