// Runs agents on the blackboard: requests come in by partition, run in lanes, and are answered by signed claims.
// - Nothing of a gained partition runs before it is read to the then-end: what is closed already is dropped unpaid.
// - A request is run at most once by this process, however often a rebalance delivers it again.
// - What is committed is done: the watermark never passes an open request. A partition that is lost is never committed.

import { groupName } from '../../../topics/groups.js';
import type { TopicNames } from '../../../topics/topics.js';
import { systemClock, type Clock } from '../../runtime/clock.js';
import type { EventCodec } from '../../runtime/codec/event-codec.js';
import type { Keyring } from '../../runtime/keyring.js';
import type { LogPort } from '../../runtime/log/port.js';
import { VerifiedReader } from '../../runtime/log/verified-reader.js';
import type { Logger } from '../../runtime/logger.js';
import { noSeams, through, type Seams } from '../../runtime/seams.js';
import type { Agent } from './agent.js';
import { AgentPool, type AgentStats, type PoolLimits } from './agent-pool.js';
import { GatewayClient } from './gateway-client.js';
import { Outages } from './outages.js';

export interface AgentsOptions {
  /** Hosted together: they share one consumer group, and every replica of the group must host the same ones. */
  readonly agents: readonly Agent[];
  readonly log: LogPort;
  readonly codec: EventCodec;
  /** Needs a signing key for each agent's name. */
  readonly keyring: Keyring;
  readonly topics: TopicNames;
  /** Null: the agents can reach neither bodies nor models. */
  readonly gateway: { readonly url: string } | null;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Default `bb-agent-` and the agents' names. */
  readonly group?: string;
  /** Partitions without a committed position begin at the first record appended at or after this; default: the beginning. */
  readonly startAtMs?: number;
  readonly limits?: Partial<PoolLimits>;
  readonly sessionTimeoutMs?: number;
  readonly seams?: Seams;
  /** Teaches the codec a schema id that a newer orchestrator writes. */
  readonly learn?: (schemaId: number) => Promise<void>;
}

export interface RunningAgents {
  /** Takes nothing new, lets what runs finish within the bound, commits, leaves the group. Again is no error. */
  drain(): Promise<void>;
  /** Resolves when the agents have stopped for good; the process should drain and end. */
  readonly halted: Promise<Error>;
  stats(): AgentStats;
}

const defaultLimits: PoolLimits = {
  concurrency: 64, waitingMax: 4_096, waitingBytesMax: 64 * 1024 * 1024, heldMax: 100_000, heldBytesMax: 256 * 1024 * 1024, drainMs: 10_000, commitEveryMs: 1_000,
};

/** Resolves when the member runs; partitions come later. */
export async function runAgents(options: AgentsOptions): Promise<RunningAgents> {
  const { agents, log, codec, keyring, topics, logger } = options;
  const clock = options.clock ?? systemClock;
  const seams = options.seams ?? noSeams;
  // A process without a key finds out now, not at its first claim.
  for (const agent of agents) keyring.signerOf(agent.name);
  const gateway = options.gateway === null ? null : new GatewayClient({ url: options.gateway.url.replace(/\/+$/, ''), keyring, clock, seams, logger });
  const pool = new AgentPool({ agents, parts: { log, codec, keyring, topics, gateway, clock, logger, seams, outages: new Outages(clock) }, limits: { ...defaultLimits, ...options.limits } });
  const reader = new VerifiedReader({
    log, codec, topic: topics.verified, group: options.group ?? groupOf(agents, topics.prefix), handler: pool,
    ...(options.startAtMs === undefined ? {} : { startAtMs: options.startAtMs }),
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    ...(options.learn === undefined ? {} : { learn: options.learn }),
  });
  pool.attach(reader);
  try {
    await through(seams, 'agents.join', () => reader.join());
  } catch (error) {
    // Without this the pool's timer would keep a process alive that has nothing to do.
    await pool.drain();
    throw error;
  }
  logger.info({ agents: agents.map((agent) => `${agent.name}@${agent.version}`), group: options.group ?? groupOf(agents, topics.prefix) }, 'agents run');
  return { drain: () => pool.drain(), halted: pool.halted, stats: () => pool.stats() };
}

/** Of one agent its own; of a pool that of its first name, and the others behind a dot, so that the first one's access list fits. */
function groupOf(agents: readonly Agent[], prefix: string): string {
  const [first = '', ...others] = agents.map((agent) => agent.name).sort();
  return [groupName({ name: first, role: 'agent' }, prefix), ...others].join('.');
}
