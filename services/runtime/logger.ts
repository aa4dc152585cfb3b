// JSON logs on stderr (stdout belongs to the results of commands). Records carry the service and, through child
// loggers, the ids of job, step, attempt and trace. Known secret fields are redacted at any of four depths, and
// errors are written by a closed list of fields: client libraries hang requests with credentials on theirs.

import pino, { type DestinationStream, type Logger } from 'pino';
import { BlackboardError } from './errors.js';

export type { Logger } from 'pino';

export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  /** Name of the process or library that speaks, e.g. `gateway`. */
  readonly service: string;
  /** `info` unless given; under `node --test` silent unless given. */
  readonly level?: LogLevel;
  /** stderr, written at once, unless given. */
  readonly destination?: DestinationStream;
}

/** Ids that join log records with the log's facts and with spans. */
export interface LogIds {
  readonly tenant?: string;
  readonly job?: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly trace?: string;
}

const secretFields = [
  'authorization', 'Authorization', 'cookie', 'apiKey', 'api_key', 'secret', 'password', 'token', 'signature', 'signingKey', 'connectionString',
  '["x-api-key"]', '["set-cookie"]', 'OPENAI_API_KEY', 'DATABASE_URL',
];
const redactPaths = secretFields.flatMap((field) => {
  const step = field.startsWith('[') ? field : `.${field}`;
  return [field.startsWith('[') ? field : step.slice(1), `*${step}`, `*.*${step}`, `*.*.*${step}`];
});

export function createLogger(options: LoggerOptions): Logger {
  const level = options.level ?? (process.env['NODE_TEST_CONTEXT'] === undefined ? 'info' : 'silent');
  return pino(
    {
      level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactPaths, censor: '[secret]' },
      serializers: { err: describeError, error: describeError },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
}

/** A logger that stamps the ids that are given on every record. */
export function withIds(logger: Logger, ids: LogIds): Logger {
  return logger.child(ids);
}

/** What a log says of an error: type, code, message, stack, details of our own errors, and the same of its causes. */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { type: typeof error, message: 'something that is no error was thrown' };
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: error.message,
    ...(error instanceof BlackboardError ? { details: error.details } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= 4 ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}
