// A connection to the cluster that heals: work is tried again, on a new client where the old one's sockets are
// suspect, until a deadline. The work must be safe to repeat.

import type { Cluster } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlackboardError } from '../../errors.js';
import { clusterOf, openClient, type KafkaClient, type KafkaConnection } from './kafka-client.js';
import { isRetriable, isTransport, rootCause } from './kafka-error.js';

/** The broker that leads a partition, as far as the metadata at hand says; undefined where it does not know the partition. */
export function leaderOf(cluster: Cluster, topic: string, partition: number): string | undefined {
  return Object.keys(cluster.findLeaderForPartitions(topic, [partition]))[0];
}

interface Session {
  readonly client: KafkaClient;
  readonly cluster: Cluster;
  connecting: Promise<void> | undefined;
}

export class ClusterLink {
  #session: Session | undefined;
  #closed = false;

  constructor(private readonly connection: KafkaConnection) {}

  /**
   * Runs `work` until it succeeds, fails for good, or the time is over.
   * @throws BlackboardError KAFKA_UNAVAILABLE when the time is over or the broker refuses for good (its reason is
   *   the cause); other BlackboardErrors of `work` as they are.
   */
  async run<T>(work: (cluster: Cluster) => Promise<T>, patienceMs: number): Promise<T> {
    // On the monotonic clock: a wall clock that is set must not end anybody's patience.
    const deadlineMs = performance.now() + patienceMs;
    for (let backoffMs = 25; ; backoffMs = Math.min(backoffMs * 2, 1_000)) {
      try {
        return await this.once(work);
      } catch (error) {
        if (!isRetriable(error)) throw error instanceof BlackboardError ? error : this.#refused(error);
        if (performance.now() + backoffMs >= deadlineMs) throw this.#unavailable(error);
        if (!isTransport(error)) await this.once((cluster) => cluster.refreshMetadata()).catch(() => undefined);
      }
      await sleep(backoffMs * (0.5 + Math.random()));
    }
  }

  /**
   * Runs `work` once, connected; for callers with a policy of their own. Trouble of the connection ends its client with
   * all its sockets, and the next use opens another: that client only, since what others use by then is not its to end.
   * @throws what connecting or `work` throws; BlackboardError KAFKA_UNAVAILABLE when this link is closed.
   */
  async once<T>(work: (cluster: Cluster) => Promise<T>): Promise<T> {
    if (this.#closed) throw new BlackboardError('KAFKA_UNAVAILABLE', 'this log is closed; open another one');
    const session = this.#open();
    try {
      await this.#connected(session);
      return await work(session.cluster);
    } catch (error) {
      if (isTransport(error)) this.#drop(session);
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#session !== undefined) this.#drop(this.#session);
  }

  #open(): Session {
    if (this.#session === undefined) {
      const client = openClient(this.connection);
      this.#session = { client, cluster: clusterOf(client), connecting: undefined };
    }
    return this.#session;
  }

  async #connected(session: Session): Promise<void> {
    if (session.cluster.isConnected()) return;
    session.connecting ??= session.cluster.connect().finally(() => { session.connecting = undefined; });
    await session.connecting;
  }

  #drop(session: Session): void {
    if (this.#session === session) this.#session = undefined;
    session.client.destroySockets();
    // After the sockets: kafkajs waits for answers before it lets go of a connection and of its timers.
    session.cluster.disconnect().catch(() => undefined).finally(() => session.client.destroySockets());
  }

  #refused(error: unknown): BlackboardError {
    const root = rootCause(error);
    return new BlackboardError(
      'KAFKA_UNAVAILABLE',
      `Kafka at ${this.connection.brokers.join(', ')} refused a request of ${this.connection.clientId} (${root.type ?? root.name}: ${root.message}); check the topics and access lists with \`blackboard topics check --acls\``,
      { brokers: this.connection.brokers, reason: root.type ?? root.name },
      { cause: error },
    );
  }

  #unavailable(error: unknown): BlackboardError {
    const root = rootCause(error);
    return new BlackboardError(
      'KAFKA_UNAVAILABLE',
      `Kafka at ${this.connection.brokers.join(', ')} did not answer in time (${root.message}); check that the brokers run and can be reached`,
      { brokers: this.connection.brokers, lastError: root.type ?? root.name },
      { cause: error },
    );
  }
}
