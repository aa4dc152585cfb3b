// Where a blackboard of this machine keeps what it knows: a folder (embedded), or brokers, a registry and a database
// (kafka). What kafka mode is not given by the environment is started here, below the same folder.

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readConfig } from '../runtime/config.js';
import type { KafkaConnection } from '../runtime/log/kafka/kafka-client.js';
import type { AllOptions } from '../up/start-all.js';
import { mebibytes, roomBytes, roomBytesMin } from './disk-room.js';
import { CliError } from './exit-codes.js';
import { kafkaSettings, readKafkaConnection } from './kafka-settings.js';
import { secretVariable } from './secret-variable.js';
import { foreign, type Terminal } from './terminal.js';

export interface WorldWish {
  readonly kafka: boolean;
  readonly dataDir: string;
  /** Servers that are started forget everything when they stop. */
  readonly isScratch?: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** What is done now, for a person. */
  readonly say: (text: string) => void;
}

export interface OpenWorld {
  readonly world: AllOptions['world'];
  /** What was found or started, for a person. */
  readonly parts: readonly (readonly [name: string, where: string])[];
  stop(): Promise<void>;
}

export const defaultDataDir = '.blackboard';

/** @throws BlackboardError KAFKA_UNAVAILABLE, TOPOLOGY_DRIFT, CONFIG_INVALID */
export async function openWorld(wish: WorldWish): Promise<OpenWorld> {
  const dataDir = resolve(wish.dataDir);
  const room = await roomBytes(dataDir);
  if (room < roomBytesMin) throw new CliError('failed', `the disk of ${foreign(dataDir)} has ${mebibytes(room)} left, and a start needs ${mebibytes(roomBytesMin)}; nothing was started`, 'Free some, or name a folder on another disk with --data.', { code: 'DISK_FULL' });
  if (!wish.kafka) return { world: { mode: 'embedded', dataDir }, parts: [['log', `${join(dataDir, 'log')} (embedded)`], ['database', `${join(dataDir, 'postgres')} (PGlite)`]], stop: () => Promise.resolve() };
  const settings = readConfig(kafkaSettings, wish.env);
  const givenDatabase = secretVariable(wish.env, 'DATABASE_URL');
  const stack = await startMissing(wish, dataDir);
  try {
    const brokers = (stack.addresses.bootstrap ?? wish.env['KAFKA_BROKERS'] ?? '').split(',').map((broker) => broker.trim());
    const kafka: KafkaConnection = readKafkaConnection(settings, brokers);
    const registryUrl = wish.env['SCHEMA_REGISTRY_URL'] || stack.addresses.registryUrl;
    const databaseUrl = givenDatabase || stack.addresses.postgresUrl;
    if (registryUrl === undefined || databaseUrl === undefined) throw new CliError('unavailable', 'registry or database did not start');
    wish.say('applying topics');
    const { applyTopics } = await import('../../infra/topics/apply.js');
    const { BLACKBOARD_PARTITIONS: partitions, BLACKBOARD_TOPIC_PREFIX: prefix, BLACKBOARD_PROFILE: profile } = settings;
    await applyTopics(kafka, { prefix, partitions, profile, replication: profile === 'production' ? 3 : 1 });
    return {
      world: { mode: 'kafka', kafka, registryUrl, databaseUrl, partitions, topicPrefix: prefix, dataDir },
      parts: [['brokers', brokers.join(', ')], ['registry', registryUrl], ['database', withoutPassword(databaseUrl)]],
      stop: () => stack.stop(),
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function startMissing({ env, say, isScratch }: WorldWish, dataDir: string): Promise<{ readonly addresses: { readonly bootstrap?: string; readonly registryUrl?: string; readonly postgresUrl?: string }; stop(): Promise<void> }> {
  const isMissing = (name: string): boolean => (env[name] ?? '') === '';
  const wants = { kafka: isMissing('KAFKA_BROKERS'), registry: isMissing('SCHEMA_REGISTRY_URL'), postgres: secretVariable(env, 'DATABASE_URL') === '' };
  const names = Object.entries(wants).filter(([, wanted]) => wanted).map(([name]) => name);
  if (names.length === 0) return { addresses: {}, stop: () => Promise.resolve() };
  const { startStack } = await import('../../infra/local/stack.js');
  say(`starting ${names.join(', ')} (the first time, this fetches them)`);
  if (isScratch === true) return startStack(wants, { say });
  // Postgres does not run as root, and its own account must reach its folder: not within one that only root may enter.
  const isRoot = process.getuid?.() === 0;
  const dir = isRoot ? `${dataDir}.stack` : join(dataDir, 'stack');
  await mkdir(dir, { recursive: true, mode: isRoot ? 0o711 : 0o700 });
  return startStack(wants, { dir, say });
}

export function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return '(set)';
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '***';
  return parsed.href;
}

/** One line on stderr for each thing that is done; redrawn where a person looks. */
export function saying(terminal: Terminal): { readonly say: (text: string) => void; readonly done: () => void } {
  if (!terminal.isErrInteractive) return { say: (text) => terminal.err(`${text}\n`), done: () => undefined };
  return { say: (text) => terminal.err(`\r\u001b[2K${terminal.colors.dim(`… ${text.slice(0, terminal.columns - 3)}`)}`), done: () => terminal.err('\r\u001b[2K') };
}
