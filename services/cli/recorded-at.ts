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
  readonly file?: string;
}

export function withLog(command: Command): Command {
  return command
    .option('--data <dir>', `folder of an embedded blackboard, as given to "up --data" (default ${defaultDataDir})`)
    .option('--kafka', 'the log of KAFKA_BROKERS, with SCHEMA_REGISTRY_URL (chosen by itself where KAFKA_BROKERS is set and --data is not)');
}

/** Besides, a file of `blackboard record`. */
export function withRecordedLog(command: Command): Command {
  return withLog(command).option('--file <file>', 'a log recorded by "blackboard record --out"');
}

/** A log that is kept by a process, where a recorded file will not do. @throws as `recordedAt` */
export function keptAt(options: Omit<LogOptions, 'file'>, env: NodeJS.ProcessEnv): Exclude<RecordedAt, { readonly mode: 'file' }> {
  return recordedAt(options, env) as Exclude<RecordedAt, { readonly mode: 'file' }>;
}

/** @throws CliError usage, configuration; BlackboardError CONFIG_INVALID */
export function recordedAt(options: LogOptions, env: NodeJS.ProcessEnv): RecordedAt {
  if (options.file !== undefined && (options.data !== undefined || options.kafka === true)) throw new CliError('usage', '--file names another log than --data and --kafka', 'Keep one.');
  if (options.file !== undefined) return { mode: 'file', path: resolve(options.file) };
  if (options.data !== undefined && options.kafka === true) throw new CliError('usage', '--data and --kafka name two different logs', 'Keep one.');
  const isKafka = options.kafka === true || (options.data === undefined && (env['KAFKA_BROKERS'] ?? '') !== '');
  if (!isKafka) return { mode: 'embedded', dataDir: resolve(options.data ?? defaultDataDir) };
  const { settings, connection } = kafkaFromEnvironment(env);
  const registryUrl = env['SCHEMA_REGISTRY_URL'] ?? '';
  if (registryUrl === '') throw new CliError('configuration', 'SCHEMA_REGISTRY_URL is required and not set', 'Set it to the registry of these brokers, e.g. http://registry:8080/apis/ccompat/v7');
  return { mode: 'kafka', kafka: connection, registryUrl, topicPrefix: settings.BLACKBOARD_TOPIC_PREFIX };
}
