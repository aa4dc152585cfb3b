// A request of our own over a connection of kafkajs. Its connections do what we want of them (TLS, SASL, correlation,
// timeouts, quotas), its codecs do not: they copy each record four or five times on the way out, and make a dozen
// objects of each on the way in. So the two requests that carry records are written and read here.

import type { Broker } from 'kafkajs';
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js';

/** What kafkajs's connection asks of a request and of its answer. */
interface Exchange<T> {
  readonly request: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string; encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }> };
  readonly response: { decode(payload: Buffer): Promise<Decoded<T>>; parse(decoded: Decoded<T>): Promise<T> };
  readonly logResponseError: boolean;
}

interface Decoded<T> {
  readonly answer: T;
  /** How long the broker asks this client to be silent, ms (KIP-219); kafkajs's queue keeps to it. */
  readonly clientSideThrottleTime: number;
}

// In kafkajs's Broker, but not in its types.
interface BrokerWithConnections extends Broker {
  readonly connectionPool: { send<T>(exchange: Exchange<T>): Promise<T> };
}

export interface BrokerRequest<T> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  /** Behind the header. */
  readonly body: Buffer;
  /** Reads the answer, header left out; @throws createErrorFromCode's for an error that concerns the whole of it. */
  readonly read: (payload: Buffer) => { readonly answer: T; readonly throttleMs: number };
}

/** @throws kafkajs's errors: of the connection, of time, of the protocol. */
export async function askBroker<T>(broker: Broker, { apiKey, apiVersion, apiName, body, read }: BrokerRequest<T>): Promise<T> {
  const { connectionPool } = broker as BrokerWithConnections;
  return await connectionPool.send<T>({
    request: { apiKey, apiVersion, apiName, encode: async () => ({ buf: body, buffer: body }) },
    response: {
      decode: async (payload) => {
        const { answer, throttleMs } = read(payload);
        return { answer, clientSideThrottleTime: throttleMs };
      },
      parse: async ({ answer }) => answer,
    },
    logResponseError: false,
  });
}

/** @throws kafkajs's protocol error unless the code says that all is well. */
export function refuseErrorCode(code: number): void {
  if (code !== 0) throw createErrorFromCode(code);
}
