// Where commands that read the log themselves find it: a folder, or the brokers of the environment.

import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { RecordedAt } from '../../replay/open-recorded.js';
import { CliError } from './exit-codes.js';
import { kafkaFromEnvironment } from './kafka-settings.js';
import { defaultDataDir } from './open-world.js';

export interface LogOptions {
  readonly data?: string;
  readonly kafka?: boolean;
}

export function withLog(command: Command): Command {
  return command
    .option('--data <dir>', `folder of an embedded blackboard, as given to "up --data" (default ${defaultDataDir})`)
    .option('--kafka', 'the log of KAFKA_BROKERS, with SCHEMA_REGISTRY_URL (chosen by itself where KAFKA_BROKERS is set and --data is not)');
}

/** @throws CliError usage, configuration; BlackboardError CONFIG_INVALID */
export function recordedAt(options: LogOptions, env: NodeJS.ProcessEnv): RecordedAt {
  if (options.data !== undefined && options.kafka === true) throw new CliError('usage', '--data and --kafka name two different logs', 'Keep one.');
  const isKafka = options.kafka === true || (options.data === undefined && (env['KAFKA_BROKERS'] ?? '') !== '');
  if (!isKafka) return { mode: 'embedded', dataDir: resolve(options.data ?? defaultDataDir) };
  const { settings, connection } = kafkaFromEnvironment(env);
  const registryUrl = env['SCHEMA_REGISTRY_URL'] ?? '';
  if (registryUrl === '') throw new CliError('configuration', 'SCHEMA_REGISTRY_URL is required and not set', 'Set it to the registry of these brokers, e.g. http://registry:8080/apis/ccompat/v7');
  return { mode: 'kafka', kafka: connection, registryUrl, topicPrefix: settings.BLACKBOARD_TOPIC_PREFIX };
}
