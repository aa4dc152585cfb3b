import { z } from 'zod';
import { httpUrl } from './config.js';
import { logLevels } from './logger.js';

/**
 * Variables of logs and traces. Those named OTEL_* are the standard ones: the exporter reads them, and all others of
 * their family, from the process's environment by itself; they stand here to be checked and documented.
 */
export const observabilityConfigSchema = z.object({
  BLACKBOARD_LOG_LEVEL: z.enum(logLevels).default('info').describe('Least severe log records that are written to stderr'),
  BLACKBOARD_TRACES: z.enum(['off', 'console']).default('off').describe('console: one JSON line per span on stderr, without a collector'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().optional().describe('Collector that receives traces; without it none are made'),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/protobuf', 'http/json', 'grpc']).default('http/protobuf').describe('How traces are sent'),
  OTEL_SERVICE_NAME: z.string().optional().meta({ shape: 'text' }).describe('Name of this process in traces; its own name unless given'),
});
