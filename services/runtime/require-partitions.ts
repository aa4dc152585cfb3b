// A job's partition is the hash of its id by the partition count: a process with another count than the topic's would
// send claims elsewhere, or refuse those that are where they belong, for ever. So it does not start.

import type { TopicName } from '../../topics/topics.js';
import { BlackboardError } from './errors.js';
import type { Logger } from './logger.js';
import type { LogPort } from './log/port.js';
import { onceThere } from './once-there.js';

/**
 * Waits a minute for brokers that are away.
 * @throws BlackboardError TOPOLOGY_DRIFT when the topic has another count; KAFKA_UNAVAILABLE
 */
export async function requirePartitions({ log, topic, logger }: { readonly log: Pick<LogPort, 'ranges'>; readonly topic: TopicName; readonly logger: Logger }, partitions: number): Promise<void> {
  const { length: found } = await onceThere('Kafka', { logger, isAway }, () => log.ranges(topic));
  if (found === partitions) return;
  throw new BlackboardError('TOPOLOGY_DRIFT', `${topic} has ${found} partitions, and BLACKBOARD_PARTITIONS is ${partitions}: jobs would be looked for in the wrong ones, so nothing was started. Set BLACKBOARD_PARTITIONS=${found} for every service`, { topic, found, wanted: partitions });
}

/** What the brokers have refused they refuse again. */
function isAway(error: unknown): boolean {
  return error instanceof BlackboardError && error.code === 'KAFKA_UNAVAILABLE' && !('reason' in error.details);
}
