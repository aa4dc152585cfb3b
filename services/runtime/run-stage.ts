// What every service process does around its own work: reads its configuration whole, opens log, codec and keys,
// starts, waits for a signal or a halt, and closes in order. Exit codes: 0 asked to stop, 1 halted or refused by the
// machine (a port that is taken may be free a moment later), 78 configuration.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { topicNames, type TopicNames } from '../../topics/topics.js';
import { registryCodec } from './codec/registry-codec.js';
import type { EventCodec } from './codec/event-codec.js';
import { readConfig } from './config.js';
import { BlackboardError } from './errors.js';
import { Keyring } from './keyring.js';
import { parseKeys } from './keys.js';
import { createLogger, type Logger } from './logger.js';
import { kafkaLog } from './log/kafka/kafka-log.js';
import type { KafkaConnection } from './log/kafka/kafka-client.js';
import type { LogPort } from './log/port.js';
import { onceThere } from './once-there.js';
import { checkProfile, saslOf, type PlumbingConfig, type plumbingConfigSchema } from './plumbing-config.js';
import { projectRoot } from './project-root.js';
import { seamsFromEnvironment, type Seams } from './seams.js';
import { systemRefusal } from './system-error.js';
import { startTelemetry } from './telemetry.js';

export interface Plumbing {
  readonly log: LogPort;
  readonly codec: EventCodec;
  learn(schemaId: number): Promise<void>;
  readonly keyring: Keyring;
  readonly topics: TopicNames;
  readonly logger: Logger;
  readonly seams: Seams;
  /** Names this process. */
  readonly instance: string;
}

export interface Running {
  readonly halted?: Promise<Error>;
  close(): Promise<void>;
}

export interface Stage<S extends typeof plumbingConfigSchema> {
  readonly name: string;
  readonly schema: S;
  start(config: Readonly<z.output<S>>, plumbing: Plumbing): Promise<Running>;
}

/** What is left open after all was closed keeps a process no longer than this from being started again. */
const lingerMsMax = 1_000;

/** Runs a stage until SIGTERM, SIGINT or a halt; sets the exit code. */
export async function runStage<S extends typeof plumbingConfigSchema>(stage: Stage<S>, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  try {
    await untilTold(stage, env);
  } catch (error) {
    const { code, message } = wordsOf(error, stage.name);
    process.stderr.write(`${stage.name}: ${code}: ${message}\n`);
    process.exitCode = code === 'CONFIG_INVALID' || code === 'INSECURE_IN_PRODUCTION' ? 78 : 1;
  }
  setTimeout(() => process.exit(), lingerMsMax).unref();
}

async function untilTold<S extends typeof plumbingConfigSchema>(stage: Stage<S>, env: NodeJS.ProcessEnv): Promise<void> {
  const told = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
  const config = readConfig(stage.schema, env);
  checkProfile(config as PlumbingConfig);
  const telemetry = await startTelemetry({ service: config.OTEL_SERVICE_NAME ?? `blackboard-${stage.name}` });
  const plumbing = await openPlumbing(stage.name, config as PlumbingConfig, env);
  const { logger, log } = plumbing;
  let running: Running;
  try {
    running = await stage.start(config, plumbing);
  } catch (error) {
    await log.close();
    await telemetry.stop();
    throw error;
  }
  logger.info({ instance: plumbing.instance }, `${stage.name} runs`);
  const halted = running.halted ?? new Promise<never>(() => undefined);
  const end = await Promise.race([told, halted]);
  if (typeof end === 'string') logger.info({ signal: end }, `${stage.name} was asked to stop; it ends what is under way`);
  else {
    logger.fatal({ error: end }, `${stage.name} halted; nothing is lost, but it does nothing more until it is started again`);
    process.exitCode = 1;
  }
  await running.close();
  await log.close();
  await telemetry.stop();
  logger.info(`${stage.name} stopped`);
}

/** Of what the machine refuses (a port, a folder), too: none of that is a fault of ours. */
function wordsOf(error: unknown, name: string): { readonly code: string; readonly message: string } {
  if (error instanceof BlackboardError) return error;
  const refusal = systemRefusal(error);
  if (refusal === null) return { code: 'UNEXPECTED', message: error instanceof Error ? error.message : String(error) };
  const variables = refusal.of === 'port' ? ` The variables are ${name.toUpperCase()}_HOST and ${name.toUpperCase()}_PORT.` : '';
  return { code: refusal.code, message: `${refusal.message}. ${refusal.hint}${variables}` };
}

export function kafkaConnection(config: PlumbingConfig, clientId: string): KafkaConnection {
  const sasl = saslOf(config);
  return { brokers: config.KAFKA_BROKERS, clientId, ssl: config.KAFKA_SSL, ...(sasl === undefined ? {} : { sasl }) };
}

async function openPlumbing(name: string, config: PlumbingConfig, env: NodeJS.ProcessEnv): Promise<Plumbing> {
  const instance = `${name}-${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const logger = createLogger({ service: name, level: config.BLACKBOARD_LOG_LEVEL });
  const { codec, learn } = await onceThere('the schema registry', { logger, isAway: (error) => error instanceof BlackboardError && error.code === 'REGISTRY_UNAVAILABLE' },
    () => registryCodec({ url: config.SCHEMA_REGISTRY_URL, schemasDir: join(projectRoot, 'schemas'), topicPrefix: config.BLACKBOARD_TOPIC_PREFIX }));
  const keyring = new Keyring(parseKeys(config.BLACKBOARD_KEYS.reveal(), 'BLACKBOARD_KEYS'));
  const log = kafkaLog({ ...kafkaConnection(config, instance), onTrouble: (message, cause) => logger.error({ err: cause }, message) });
  return { log, codec, learn, keyring, topics: topicNames(config.BLACKBOARD_TOPIC_PREFIX), logger, seams: seamsFromEnvironment(env), instance };
}
