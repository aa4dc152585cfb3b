// The bridge's process: the records of one foreign topic become submissions.

import { groupName } from '../../topics/groups.js';
import { foreignAvro } from '../runtime/codec/foreign-avro.js';
import { kafkaForeignSource } from '../runtime/log/kafka/foreign-consumer.js';
import { requirePartitions } from '../runtime/require-partitions.js';
import { kafkaConnection, runStage } from '../runtime/run-stage.js';
import { startBridge } from './bridge.js';
import { readBridgeMap } from './bridge-map.js';
import { bridgeConfigSchema } from './config.js';

await runStage({
  name: 'bridge',
  schema: bridgeConfigSchema,
  start: async (config, plumbing) => {
    const map = readBridgeMap(config.BRIDGE_MAP);
    await requirePartitions({ ...plumbing, topic: plumbing.topics.quarantine }, config.BLACKBOARD_PARTITIONS);
    return startBridge({
      ...plumbing, map, partitions: config.BLACKBOARD_PARTITIONS, sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
      group: map.source.group ?? `${groupName({ name: 'bridge', role: 'upstream' }, config.BLACKBOARD_TOPIC_PREFIX)}.${map.name}`,
      source: kafkaForeignSource(kafkaConnection(config, plumbing.instance)),
      avro: map.source.format === 'avro' ? foreignAvro(config.SCHEMA_REGISTRY_URL) : null,
    });
  },
});
