import { connect } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import type { BrokerUser } from './broker-properties.js';
import { pollUntil, type Poll } from './poll-until.js';

export interface Answering {
  readonly bootstrap: string;
  readonly port: number;
  readonly admin: BrokerUser | undefined;
}

/** Waits until metadata and the group coordinator answer: an open port alone says nothing about a broker. */
export async function whenBrokerAnswers({ bootstrap, port, admin }: Answering, poll: Poll): Promise<void> {
  const end = performance.now() + poll.deadlineMs;
  await pollUntil(() => portOpens(port), poll);
  const kafka = new Kafka({
    clientId: 'readiness',
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    ...(admin === undefined ? {} : { sasl: { mechanism: 'scram-sha-256', username: admin.name, password: admin.password } }),
  });
  await pollUntil(
    async () => {
      const client = kafka.admin();
      try {
        await client.connect();
        const { brokers } = await client.describeCluster();
        if (brokers.length === 0) throw new Error('no broker is registered yet');
        await client.describeGroups(['readiness']);
      } finally {
        await client.disconnect();
      }
    },
    { ...poll, deadlineMs: end - performance.now() },
  );
}

function portOpens(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
