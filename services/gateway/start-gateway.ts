// Starts a gateway: follows `bb.verified` into the open capabilities and serves bodies and models under them.
// Every instance reads every partition, so any instance can answer any agent.

import { randomUUID } from 'node:crypto';
import { groupName } from '../../topics/groups.js';
import type { TopicNames } from '../../topics/topics.js';
import type { BodyStore } from '../runtime/body-store.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Keyring } from '../runtime/keyring.js';
import type { LogPort } from '../runtime/log/port.js';
import type { Position } from '../runtime/log/position.js';
import { VerifiedReader } from '../runtime/log/verified-reader.js';
import type { Logger } from '../runtime/logger.js';
import { noSeams, through, type Seams } from '../runtime/seams.js';
import { emptyCapabilities, foldRecord } from './capabilities.js';
import { Progress } from './progress.js';
import { readRecordedEnd } from './recorded-end.js';
import { gatewayServer, type Models } from './server.js';

/** What an agent asks for takes longer than this, and waking for each append cost more than all that is asked. */
const gatherMs = 20;

/**
 * Its group has no other member, so that it takes over from nobody; but a broker that has lost sight of it lets it in again
 * only after this, and it reads nothing until then. Brokers take no less, unless they are told to.
 */
const sessionTimeoutMsMax = 6_000;

export interface GatewayOptions {
  readonly log: LogPort;
  readonly codec: EventCodec;
  /** The gateway's own key, and the keys of all principals that may ask. */
  readonly keyring: Keyring;
  readonly topics: TopicNames;
  readonly bodies: BodyStore;
  readonly models: Models | null;
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  readonly logger: Logger;
  /** Default: the machine's clock. */
  readonly nowMs?: () => number;
  /** Facts appended before this are not read: now minus the longest job lifetime and remember window. Default: all are. */
  readonly startAtMs?: number;
  /** Teaches the codec a schema id that it does not know (a registry). */
  readonly learn?: (schemaId: number) => Promise<void>;
  /** 6,000 at most, and by default. */
  readonly sessionTimeoutMs?: number;
  readonly seams?: Seams;
  /** How long a request waits for the fact that allows it to be read. Default 2,000. */
  readonly waitMsMax?: number;
}

export interface Gateway {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  /** Resolves with the cause when reading `bb.verified` has stopped for good; nothing is served from then on. */
  readonly halted: Promise<Error>;
  /** Stops serving and reading. The log and the body store stay open: they are the caller's. */
  close(): Promise<void>;
}

/** Resolves when the gateway listens; `/health` says 200 when it has read what was in the log at the start. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log, codec, keyring, topics, bodies, models, logger } = options;
  const seams = options.seams ?? noSeams;
  const board = emptyCapabilities();
  const progress = new Progress();
  let isHalted = false;
  let halt: (error: Error) => void = () => {};
  const halted = new Promise<Error>((resolve) => { halt = resolve; });
  const ends = await log.ranges(topics.verified);
  const isReady = (): boolean => ends.every((end) => progress.next(end.partition) >= end.next);

  const app = gatewayServer({
    board, progress, keyring, bodies, models, logger, seams, nowMs: options.nowMs ?? Date.now,
    recordedEnd: (place) => readRecordedEnd({ log, codec, topic: topics.verified, learn: options.learn }, place),
    state: () => (isHalted ? 'halted' : isReady() ? 'ready' : 'catching-up'),
    ...(options.waitMsMax === undefined ? {} : { waitMsMax: options.waitMsMax }),
  });
  // The board is in memory, and so are the positions that it stands at: nothing is committed, a start folds again.
  const positions = new Map<number, Position>();
  const reader = new VerifiedReader({
    log, codec, topic: topics.verified, gatherMs, group: `${groupName({ name: 'gateway', role: 'gateway' }, topics.prefix)}.${randomUUID()}`,
    storedPositions: (partitions) => Promise.resolve(new Map([...positions].filter(([partition]) => partitions.includes(partition)))),
    // Roles are in force from a checkpoint on, which may be older than all that is looked back on.
    fromMarker: true,
    sessionTimeoutMs: Math.min(options.sessionTimeoutMs ?? sessionTimeoutMsMax, sessionTimeoutMsMax),
    ...(options.startAtMs === undefined ? {} : { startAtMs: options.startAtMs }),
    ...(options.learn === undefined ? {} : { learn: options.learn }),
    handler: {
      onGained: ({ partition, position }) => progress.advance(partition, position.offset),
      onLost: () => {},
      onBatch: (batch) => {
        for (const fact of batch.facts) foldRecord(board, fact, { partition: batch.partition, offset: fact.record.offset });
        positions.set(batch.partition, batch.positionAt(batch.next));
        progress.advance(batch.partition, batch.next);
      },
      onHalt: (error) => {
        isHalted = true;
        logger.fatal({ err: error }, 'the gateway halts: reading the verified facts stopped');
        halt(error);
      },
    },
  });
  await through(seams, 'gateway.join', () => reader.join());
  try {
    const url = await app.listen({ port: options.port, host: options.host });
    logger.info({ url, model: models !== null }, 'the gateway listens');
    return {
      url, halted,
      close: async () => {
        progress.close();
        await app.close();
        await reader.leave();
      },
    };
  } catch (error) {
    await reader.leave();
    throw error;
  }
}
