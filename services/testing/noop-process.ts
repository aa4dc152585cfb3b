// One service of the smallest runtime as an operating system process, for tests that kill it: what it is comes from
// NOOP_PROCESS (JSON), it says "ready" on stdout, and ends on SIGTERM.

import { seamsFromEnvironment } from '../runtime/seams.js';
import { parseKeys } from '../runtime/keys.js';
import { createLogger } from '../runtime/logger.js';
import { kafkaLog } from '../runtime/log/kafka/kafka-log.js';
import { NoopRig } from './noop-rig.js';

export interface NoopProcess {
  readonly role: 'orchestrator' | 'agent';
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly partitions: number;
  /** Text of a key file. */
  readonly keys: string;
  readonly sessionTimeoutMs: number;
  readonly delayMs?: number;
  readonly concurrency?: number;
  /** Consumer group; default the usual one under the prefix. */
  readonly group?: string;
  readonly requestTimeoutMs?: number;
}

const told = JSON.parse(process.env['NOOP_PROCESS'] ?? '{}') as NoopProcess;
const rig = new NoopRig(told.partitions, told.prefix, parseKeys(told.keys, 'NOOP_PROCESS'));
const logger = createLogger({ service: told.role, level: 'info' });
const log = kafkaLog({ brokers: told.brokers, clientId: `${told.role}-${process.pid}`, ...(told.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: told.requestTimeoutMs }) });
const group = told.group ?? `${told.prefix}${told.role}`;
const running = told.role === 'orchestrator'
  ? await rig.orchestrator(log, { group, sessionTimeoutMs: told.sessionTimeoutMs, logger, seams: seamsFromEnvironment(process.env), instance: `pid-${process.pid}` })
  : await rig.agent(log, { group, sessionTimeoutMs: told.sessionTimeoutMs, delayMs: told.delayMs ?? 0, ...(told.concurrency === undefined ? {} : { concurrency: told.concurrency }) });
process.on('SIGUSR2', () => process.stdout.write(`${JSON.stringify({ rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20) })}\n`));
void running.halted.then((error) => {
  logger.fatal({ error }, 'halted');
  process.exitCode = 1;
});
process.stdout.write('ready\n');
process.once('SIGTERM', () => {
  const end = 'drain' in running ? running.drain() : running.close();
  void end.then(() => log.close());
});
