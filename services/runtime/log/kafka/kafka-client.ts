// How this project reaches a Kafka cluster through kafkajs 2.2.4: sockets without Nagle, kafkajs's own retries kept
// small (ours are bounded by a deadline), and every socket known, so that a client that is given up is really gone.
//
// `clusterOf` uses the one public hook through which kafkajs hands out its cluster (a partition assigner's argument):
// it gives typed access to single requests (produce, fetch, offsets) without a producer's or a consumer's policy.

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import kafkajs, { type Cluster, type ISocketFactoryArgs, type KafkaConfig, type LogEntry } from 'kafkajs';
import './calm-request-queue.js';
import { emitWholeAnswers } from './whole-answers.js';

/** Anything that holds a secret and tells it only when asked. */
export interface RevealableSecret {
  reveal(): string;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: RevealableSecret;
}

export type KafkaLogLine = (level: 'error' | 'warn' | 'info', message: string, extra: Readonly<Record<string, unknown>>) => void;

export interface KafkaAddress {
  readonly host: string;
  readonly port: number;
}

export interface KafkaConnection {
  /** host:port, at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: KafkaSasl;
  /** Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** One request's answer at most. Default 10,000. */
  readonly requestTimeoutMs?: number;
  /** Where to connect instead of the address that a broker advertises, e.g. through a tunnel. */
  readonly translateAddress?: (address: KafkaAddress) => KafkaAddress;
  /** Told once of trouble in reading that goes on although it is tried again; what it is, and what to look at. */
  readonly onTrouble?: (message: string, cause: unknown) => void;
  /** What kafkajs logs; silent without it. */
  readonly onLogLine?: KafkaLogLine;
}

/** One kafkajs client and the sockets that it opened. */
export interface KafkaClient {
  readonly kafka: kafkajs.Kafka;
  /** Destroys all its sockets at once; requests under way are rejected. */
  destroySockets(): void;
}

const { Kafka, logLevel } = kafkajs;
const givenUpMessage = 'this client was given up';

/** @param retries - those that kafkajs makes by itself; few by default, because callers bound theirs by time. */
export function openClient(connection: KafkaConnection, retries = connection.brokers.length): KafkaClient {
  const sockets = new Set<Socket>();
  let givenUp = false;
  const config: KafkaConfig = {
    // Another order each time, so that a dead first broker does not catch every new client.
    brokers: rotated(connection.brokers),
    clientId: connection.clientId,
    connectionTimeout: connection.connectTimeoutMs ?? 3_000,
    requestTimeout: connection.requestTimeoutMs ?? 10_000,
    retry: { retries, initialRetryTime: 50, maxRetryTime: 2_000 },
    socketFactory: (args) => {
      const socket = openSocket(args, connection.translateAddress?.(args) ?? args, sockets);
      // A connect that was under way tries again by itself.
      if (givenUp) setImmediate(() => socket.destroy(new Error(givenUpMessage)));
      return socket;
    },
    logLevel: connection.onLogLine === undefined ? logLevel.NOTHING : logLevel.INFO,
    // What a client says after it was given up is only the echo of that.
    logCreator: () => (entry) => { if (!givenUp) forward(entry, connection.onLogLine); },
  };
  if (connection.ssl !== undefined) config.ssl = connection.ssl;
  if (connection.sasl !== undefined) config.sasl = saslOptions(connection.sasl);
  return {
    kafka: new Kafka(config),
    destroySockets: () => {
      givenUp = true;
      // With an error, because kafkajs listens for `end` and `error` only, not for `close`.
      for (const socket of sockets) socket.destroy(new Error(givenUpMessage));
      sockets.clear();
    },
  };
}

/** The cluster of a client that does nothing else; it reads uncommitted and creates no topics. */
export function clusterOf(client: KafkaClient): Cluster {
  let captured: Cluster | undefined;
  client.kafka.consumer({
    groupId: 'never-joined',
    readUncommitted: true,
    allowAutoTopicCreation: false,
    partitionAssigners: [({ cluster }) => {
      captured = cluster;
      return { name: 'never', version: 0, assign: async () => [], protocol: () => ({ name: 'never', metadata: Buffer.alloc(0) }) };
    }],
  });
  if (captured === undefined) throw new Error('kafkajs no longer builds its assigners when a consumer is made; pin 2.2.4');
  return captured;
}

function rotated(brokers: readonly string[]): string[] {
  const by = Math.floor(Math.random() * brokers.length);
  return [...brokers.slice(by), ...brokers.slice(0, by)];
}

function saslOptions(sasl: KafkaSasl): NonNullable<KafkaConfig['sasl']> {
  const login = { username: sasl.username, password: sasl.password.reveal() };
  switch (sasl.mechanism) {
    case 'plain': return { mechanism: 'plain', ...login };
    case 'scram-sha-256': return { mechanism: 'scram-sha-256', ...login };
    case 'scram-sha-512': return { mechanism: 'scram-sha-512', ...login };
  }
}

function openSocket({ host: name, ssl, onConnect }: ISocketFactoryArgs, { host, port }: KafkaAddress, sockets: Set<Socket>): Socket {
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(name) === 0 ? { servername: name } : {}), ...(typeof ssl === 'object' ? ssl : {}) }, onConnect)
    : connectTcp({ host, port }, onConnect);
  emitWholeAnswers(socket);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  return socket;
}

function forward(entry: LogEntry, onLogLine: KafkaLogLine | undefined): void {
  if (onLogLine === undefined) return;
  const { message, timestamp: _timestamp, logger: _logger, ...extra } = entry.log;
  const level = entry.level === logLevel.ERROR ? 'error' : entry.level === logLevel.WARN ? 'warn' : 'info';
  onLogLine(level, message, { namespace: entry.namespace, ...extra });
}
