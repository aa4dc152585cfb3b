// Starts the HTTP door over a log, a database and a gateway that the caller owns.

import { policyDefaults } from '../blackboard/policy.js';
import type { TopicNames } from '../../topics/topics.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import type { Database } from '../runtime/database.js';
import type { Keyring } from '../runtime/keyring.js';
import type { LogPort } from '../runtime/log/port.js';
import type { Logger } from '../runtime/logger.js';
import { refuseOtherTopics } from '../runtime/postgres/refuse-other-topics.js';
import { isTransientDatabaseError } from '../runtime/postgres/transient-error.js';
import { noSeams, type Seams } from '../runtime/seams.js';
import { currentTraceparent } from '../runtime/telemetry.js';
import { ingressApi } from './api.js';
import { refuseOpenDoor, type ApiKey } from './callers.js';
import { ClaimLog } from './claim-log.js';
import { CommitBell, type OnCommitted } from './commit-bell.js';
import { JobReader } from './job-reader.js';
import type { ResultRenderers } from './result-body.js';

export interface IngressOptions {
  readonly log: LogPort;
  readonly codec: EventCodec;
  /** With the key of the principal `ingress`. */
  readonly keyring: Keyring;
  readonly topics: TopicNames;
  readonly db: Database;
  /** Without a slash at the end. */
  readonly gatewayUrl: string;
  readonly apiKeys: readonly ApiKey[];
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Of quarantine and verified. */
  readonly partitions: number;
  readonly logger: Logger;
  /** Lets the projector wake those who wait; without it they look four times a second. */
  readonly onCommitted?: OnCommitted;
  /** How results of a contract are shown, e.g. `brief@1`. */
  readonly renderers?: ResultRenderers;
  /** Of the policy. Default 24 h. */
  readonly rememberMs?: number;
  readonly nowMs?: () => number;
  readonly seams?: Seams;
}

export interface Ingress {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  /** Ends waits and streams and stops serving. Log and database stay open: they are the caller's. */
  close(): Promise<void>;
}

/**
 * @throws BlackboardError INSECURE_IN_PRODUCTION: without API keys only a loopback host is bound.
 * @throws BlackboardError CONFLICT: the database is another blackboard's.
 */
export async function startIngress(options: IngressOptions): Promise<Ingress> {
  refuseOpenDoor(options.host, options.apiKeys);
  const { log, codec, keyring, topics, partitions, logger } = options;
  const nowMs = options.nowMs ?? Date.now;
  const seams = options.seams ?? noSeams;
  await refuseOtherTopics(options.db, topics.verified).catch((error: unknown) => {
    // For a Postgres that goes away right here, and for who starts this without waiting for it (main.ts does wait):
    // submitting needs no database, and who asks for rows is told 503 until it is back.
    if (!isTransientDatabaseError(error)) throw error;
    logger.warn({ error }, 'Postgres does not answer: that it holds the rows of this blackboard was not checked');
  });
  const bell = new CommitBell(options.onCommitted);
  const app = await ingressApi({
    reader: new JobReader(options.db), claims: new ClaimLog({ log, codec, keyring, topics, partitions, seams }), bell, seams,
    gateway: { gatewayUrl: options.gatewayUrl, keyring, nowMs }, renderers: options.renderers ?? {}, apiKeys: options.apiKeys,
    logger, nowMs, trace: currentTraceparent, rememberMs: options.rememberMs ?? policyDefaults.rememberMs,
  });
  const url = await app.listen({ port: options.port, host: options.host });
  logger.info({ url, keys: options.apiKeys.length }, options.apiKeys.length === 0 ? 'ingress listens; INSECURE: no API keys, so on loopback only' : 'ingress listens');
  return {
    url,
    close: async () => {
      bell.close();
      await app.close();
    },
  };
}
