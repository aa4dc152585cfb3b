// Administration of a cluster, for set-up only: requests that a starting broker refuses for a moment are tried again.

import type { Admin } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlackboardError } from '../../services/runtime/errors.js';
import { openClient, type KafkaConnection } from '../../services/runtime/log/kafka/kafka-client.js';
import { isRetriable, rootCause } from '../../services/runtime/log/kafka/kafka-error.js';

const patienceMs = 20_000;

/** Runs `work` with a connected admin client; `work` must be safe to repeat. @throws BlackboardError KAFKA_UNAVAILABLE */
export async function withAdmin<T>(connection: KafkaConnection, work: (admin: Admin) => Promise<T>): Promise<T> {
  const deadlineMs = Date.now() + patienceMs;
  for (let backoffMs = 50; ; backoffMs = Math.min(backoffMs * 2, 1_000)) {
    const client = openClient(connection);
    const admin = client.kafka.admin();
    try {
      await admin.connect();
      return await work(admin);
    } catch (error) {
      if (error instanceof BlackboardError) throw error;
      if (!isRetriable(error) || Date.now() + backoffMs > deadlineMs) throw refused(connection, error);
    } finally {
      await admin.disconnect().catch(() => undefined);
      client.destroySockets();
    }
    await sleep(backoffMs * (0.5 + Math.random()));
  }
}

function refused(connection: KafkaConnection, error: unknown): BlackboardError {
  // createTopics reports one error for each topic; the first says enough.
  const root = rootCause((error as { errors?: unknown[] }).errors?.[0] ?? error);
  return new BlackboardError(
    'KAFKA_UNAVAILABLE',
    `Kafka at ${connection.brokers.join(', ')} did not do what was asked (${root.type ?? root.name}: ${root.message}); check that it runs and that ${connection.sasl?.username ?? 'this client'} may administer it`,
    { brokers: connection.brokers, reason: root.type ?? root.name },
    { cause: error },
  );
}
