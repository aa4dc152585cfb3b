// Opens a recorded blackboard for replay: an embedded folder beside the process that writes it, a Kafka log by a reader
// without a group, or a recorded file. Only what reads is imported here; the registry is asked for schemas, never told any.

import { join } from 'node:path';
import { topicNames } from '../topics/topics.js';
import { embeddedCodec } from '../services/runtime/codec/embedded-codec.js';
import { boundedLearning } from '../services/runtime/codec/learn-schemas.js';
import { registryCodec } from '../services/runtime/codec/registry-codec.js';
import { openEmbeddedLogReadOnly } from '../services/runtime/log/embedded/read-only-log.js';
import { ClusterLink } from '../services/runtime/log/kafka/cluster-link.js';
import type { KafkaConnection } from '../services/runtime/log/kafka/kafka-client.js';
import { KafkaReader } from '../services/runtime/log/kafka/reader.js';
import { projectRoot } from '../services/runtime/project-root.js';
import type { RecordedBlackboard } from './readable-log.js';
import { openRecordedFile } from './recorded-file.js';

export type RecordedAt =
  | { readonly mode: 'embedded'; /** As given to "up --data". */ readonly dataDir: string }
  | { readonly mode: 'file'; /** As written by "record --out". */ readonly path: string }
  | { readonly mode: 'kafka'; readonly kafka: KafkaConnection; readonly registryUrl: string; readonly topicPrefix: string };

/** `warn` is told, in words, of what the reading leaves out. @throws BlackboardError NOT_FOUND, INPUT_INVALID, KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE, SCHEMA_UNKNOWN */
export async function openRecorded(at: RecordedAt, warn: (text: string) => void = () => undefined): Promise<RecordedBlackboard> {
  if (at.mode === 'file') return openRecordedFile(at.path);
  const schemasDir = join(projectRoot, 'schemas');
  if (at.mode === 'embedded') return { log: openEmbeddedLogReadOnly(join(at.dataDir, 'log')), topics: topicNames(), codec: embeddedCodec(schemasDir) };
  const { codec, learn } = await registryCodec({ url: at.registryUrl, schemasDir, topicPrefix: at.topicPrefix, register: false });
  const link = new ClusterLink(at.kafka);
  const reader = new KafkaReader(link);
  return {
    topics: topicNames(at.topicPrefix), codec, learn: boundedLearning(learn, warn),
    log: { read: (options) => reader.read(options), ranges: (topic) => reader.ranges(topic), close: async () => link.close() },
  };
}
