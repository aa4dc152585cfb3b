import { resolve } from 'node:path';
import { createModels } from '../../gateway/models/create-models.js';
import { modelConfigSchema } from '../../gateway/models/model-config.js';
import { parseApiKeys, type ApiKey } from '../../ingress/callers.js';
import { readConfig, refuseInsecureInProduction } from '../../runtime/config.js';
import { createLogger, logLevels, type LogLevel } from '../../runtime/logger.js';
import { examples, withJson, type AddCommand, type CliContext, type JsonOption } from '../context.js';
import { CliError, exitCodes } from '../exit-codes.js';
import { kafkaSettings } from '../kafka-settings.js';
import { defaultDataDir, openWorld, saying } from '../open-world.js';
import { readNumber } from '../read-params.js';
import { secretVariable } from '../secret-variable.js';
import { facts } from '../table.js';
import { foreign, jsonLine } from '../terminal.js';
import { loadWorkflowsOf } from '../workflow-option.js';

interface UpOptions extends JsonOption {
  readonly data: string;
  readonly port: number;
  readonly host: string;
  readonly kafka?: boolean;
  readonly docs: readonly string[];
  readonly workflow: readonly string[];
}

export const addUp: AddCommand = (program, context) => {
  const command = withJson(program.command('up'))
    .description('start all services in one process; embedded unless --kafka')
    .option('--data <dir>', 'folder for log, database, bodies and keys; made where it is missing', defaultDataDir)
    .option('--port <n>', 'port of ingress; 0: any free one', readNumber('--port', 0, 65_535), 7117)
    .option('--host <name>', 'what ingress is bound to; anything but loopback needs BLACKBOARD_API_KEYS', '127.0.0.1')
    .option('--docs <dir>', 'a folder that the collector may read (may be repeated)', (value, all: readonly string[]) => [...all, value], [])
    .option('--workflow <file>', 'a workflow file: workflows, contracts and agents of your own (may be repeated; BLACKBOARD_WORKFLOWS adds to them)', (value, all: readonly string[]) => [...all, value], [])
    .option('--kafka', 'on Kafka: KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL; what is not set is started on this machine')
    .action((options: UpOptions) => up(options, context));
  examples(command, [
    ['blackboard up --docs ./docs', 'Everything below ./.blackboard; stop it with Ctrl-C and start it again, it goes on'],
    ['blackboard up --workflow ./checkout.mjs', 'Runs the workflow and the agents of a file beside those that ship'],
    ['blackboard up --kafka', 'A real broker, registry and Postgres, started below ./.blackboard (needs Java 17+ and Maven)'],
    ['KAFKA_BROKERS=kafka:9092 SCHEMA_REGISTRY_URL=http://registry:8080/apis/ccompat/v7 DATABASE_URL=postgres://… blackboard up --kafka', 'On servers that are there'],
  ], 'Logs are JSON lines on stderr; BLACKBOARD_LOG_LEVEL sets how much (default here: warn).');
};

async function up(options: UpOptions, context: CliContext): Promise<void> {
  const { terminal, env, stopped } = context;
  const level = env['BLACKBOARD_LOG_LEVEL'] || 'warn';
  if (!(logLevels as readonly string[]).includes(level)) throw new CliError('configuration', `BLACKBOARD_LOG_LEVEL is one of ${logLevels.join(', ')}`);
  const logger = createLogger({ service: 'blackboard', level: level as LogLevel });
  const apiKeys = readApiKeys(options, env);
  const { say, done } = saying(terminal);
  const { startAll } = await import('../../up/start-all.js');
  const loaded = await loadWorkflowsOf(options, env);
  const open = await openWorld({ kafka: options.kafka === true, dataDir: options.data, env, say });
  try {
    say('starting services');
    const all = await startAll({
      world: open.world, logger, host: options.host, port: options.port, apiKeys,
      collectorRoots: options.docs.map((folder) => resolve(folder)), models: createModels(readConfig(modelConfigSchema, env), logger), loaded,
    });
    done();
    terminal.out(options.json === true ? jsonLine({ ingressUrl: all.ingressUrl, gatewayUrl: all.gatewayUrl, ...Object.fromEntries(open.parts), pid: process.pid }) : facts([
      ['ingress', all.ingressUrl], ['gateway', all.gatewayUrl], ...open.parts.map(([name, where]) => [name, foreign(where)] as const),
      ['collector', options.docs.length === 0 ? 'may read no folder (name some with --docs)' : options.docs.map((folder) => foreign(resolve(folder))).join(', ')],
      ['stop', 'Ctrl-C'],
    ], terminal));
    const end = await Promise.race([all.halted, new Promise<null>((resolveStop) => {
      if (stopped.aborted) resolveStop(null);
      stopped.addEventListener('abort', () => resolveStop(null), { once: true });
    })]);
    say('stopping');
    // Why it halted says more than what could not be closed after that.
    await (end === null ? all.close() : all.close().catch((error: unknown) => { logger.error({ err: error }, 'a part could not be closed'); }));
    done();
    if (end !== null) throw new CliError('failed', `a service halted: ${end.message}`, 'Nothing is lost; find the cause in the log above, then start it again.', { code: (end as { code?: unknown }).code ?? 'HALTED' });
    context.finish(exitCodes.ok);
  } finally {
    await open.stop();
  }
}

/** @throws BlackboardError INSECURE_IN_PRODUCTION as the services do, each of its own listener; CONFIG_INVALID */
function readApiKeys(options: UpOptions, env: NodeJS.ProcessEnv): readonly ApiKey[] {
  const text = secretVariable(env, 'BLACKBOARD_API_KEYS');
  const apiKeys = text === '' ? [] : parseApiKeys(text);
  const { BLACKBOARD_PROFILE: profile, KAFKA_SASL_MECHANISM: sasl } = readConfig(kafkaSettings.pick({ BLACKBOARD_PROFILE: true, KAFKA_SASL_MECHANISM: true }), env);
  const brokers = { name: 'KAFKA_BROKERS', authenticated: sasl !== undefined };
  refuseInsecureInProduction({ profile, listeners: [{ name: 'BLACKBOARD_API_KEYS', authenticated: apiKeys.length > 0 }, ...(options.kafka === true ? [brokers] : [])] });
  return apiKeys;
}
