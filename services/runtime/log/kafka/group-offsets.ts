// Positions that a group stores at the broker. They name only partitions of the latest assignment: a broker takes
// those of others as well, and would let a late commit put a position back.

import type { Broker, Cluster, Consumer } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../../../../topics/topics.js';
import { BlackboardError } from '../../errors.js';
import type { CommittedPosition } from '../port.js';
import type { ClusterLink } from './cluster-link.js';
import { isRetriable, protocolType, rootCause } from './kafka-error.js';

export interface GroupOffsetsOptions {
  readonly group: string;
  readonly consumer: Consumer;
  readonly link: ClusterLink;
  /** Whether the latest assignment has it. */
  holds(topic: TopicName, partition: number): boolean;
}

const patienceMs = 30_000;
const commitAttempts = 6;
/** A heartbeat is due each second at least. */
const standingWaitMs = 3_000;
/** What kafkajs commits before it resets a position to the earliest offset: the stored one is gone. */
const resetMark = -2;
const rebalancing = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

export class GroupOffsets {
  /** Under which this member may commit: from its first heartbeat in a generation to the next join. */
  #standing: { readonly memberId: string; readonly groupGenerationId: number } | undefined;
  /** As a client found it: it is of no use with another client. */
  #coordinator: { readonly cluster: Cluster; readonly broker: Broker } | undefined;

  constructor(private readonly options: GroupOffsetsOptions) {
    const { consumer } = options;
    const { GROUP_JOIN, HEARTBEAT, REBALANCING, CRASH } = consumer.events;
    for (const end of [GROUP_JOIN, REBALANCING, CRASH] as const) consumer.on(end as typeof GROUP_JOIN, () => { this.#standing = undefined; });
    consumer.on(HEARTBEAT, ({ payload }) => { this.#standing = payload; });
  }

  /** @throws BlackboardError LOG_OUT_OF_RANGE where a stored position was lost by a reset; KAFKA_UNAVAILABLE */
  async committed(topic: TopicName, partitions: readonly number[]): Promise<ReadonlyMap<number, CommittedPosition>> {
    const { group, link } = this.options;
    if (partitions.length === 0) return new Map();
    const stored = await link.run(async (cluster) => {
      const coordinator = await findCoordinator(cluster, group);
      const asked = partitions.map((partition) => ({ partition })) as { partition: number; offset: string }[];
      const { responses } = await coordinator.offsetFetch({ groupId: group, topics: [{ topic, partitions: asked }] });
      return responses.flatMap((response) => response.partitions as { partition: number; offset: string; metadata?: string | null }[]);
    }, patienceMs);
    const found = new Map<number, CommittedPosition>();
    for (const { partition, offset, metadata } of stored) {
      if (Number(offset) === resetMark) {
        throw new BlackboardError('LOG_OUT_OF_RANGE', `the position of ${group} in ${topic}/${partition} was out of range once and is lost; decide where it goes on, see the runbook`, { topic, partition, group });
      }
      if (Number(offset) >= 0) found.set(partition, { topic, partition, offset: Number(offset), metadata: metadata ?? '' });
    }
    return found;
  }

  /** @throws BlackboardError KAFKA_UNAVAILABLE when the coordinator did not take them in time. */
  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      // Anew each time: a rebalance may have taken some away.
      const held = positions.filter(({ topic, partition }) => this.options.holds(topic, partition));
      if (held.length === 0) return;
      try {
        await this.#commitOnce(held);
        return;
      } catch (error) {
        const later = isRetriable(error) || rebalancing.has(protocolType(error) ?? '');
        if (attempt === commitAttempts || !later) throw groupRefused(this.options.group, error);
        await sleep(50 * 2 ** attempt * (0.5 + Math.random()));
      }
    }
  }

  /**
   * By a request of our own: kafkajs's `commitOffsets` repeats by itself, over a rebalance too, and would then commit a
   * partition that has another owner. Under an older generation the broker refuses.
   */
  async #commitOnce(held: readonly CommittedPosition[]): Promise<void> {
    const { group, link } = this.options;
    const { memberId, groupGenerationId } = await this.#standingNow();
    const topics = [...new Set(held.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: held.filter((position) => position.topic === topic)
        .map(({ partition, offset, metadata }) => ({ partition, offset: String(offset), metadata })),
    }));
    try {
      await link.once(async (cluster) => {
        if (this.#coordinator?.cluster !== cluster) this.#coordinator = { cluster, broker: await findCoordinator(cluster, group) };
        await this.#coordinator.broker.offsetCommit({ groupId: group, memberId, groupGenerationId, topics });
      });
    } catch (error) {
      this.#coordinator = undefined;
      throw error;
    }
  }

  /** @throws a protocol error that may heal when this member has no standing for a while. */
  async #standingNow(): Promise<{ readonly memberId: string; readonly groupGenerationId: number }> {
    for (const deadlineMs = performance.now() + standingWaitMs; performance.now() < deadlineMs; await sleep(20)) {
      if (this.#standing !== undefined) return this.#standing;
    }
    throw Object.assign(new Error('no heartbeat of this member has succeeded since the group last changed'), { type: 'REBALANCE_IN_PROGRESS' });
  }
}

// In kafkajs's Broker, but not in its types.
interface BrokerThatFindsCoordinators extends Broker {
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<{ coordinator: { nodeId: number } }>;
}

const groupCoordinator = 0;

/** The broker that coordinates a group. Unlike kafkajs's own look-up it tells why there is none. */
export async function findCoordinator(cluster: Cluster, group: string): Promise<Broker> {
  await cluster.refreshMetadataIfNecessary();
  const any = (await cluster.findControllerBroker()) as BrokerThatFindsCoordinators;
  const { coordinator } = await any.findGroupCoordinator({ groupId: group, coordinatorType: groupCoordinator });
  return await cluster.findBroker({ nodeId: String(coordinator.nodeId) });
}

export function groupRefused(group: string, error: unknown): BlackboardError {
  const root = rootCause(error);
  if (error instanceof BlackboardError) return error;
  if (root instanceof BlackboardError) return root;
  return new BlackboardError(
    'KAFKA_UNAVAILABLE',
    `the group ${group} could not go on (${root.type ?? root.name}: ${root.message}); check the brokers and this principal's access to group and topics`,
    { group, reason: root.type ?? root.name },
    { cause: error },
  );
}
