// Every exit code of the command and what it means. Scripts rely on them: a meaning never changes, codes are only added.

import { BlackboardError, type ErrorCode } from '../runtime/errors.js';

export const exitCodes = { ok: 0, failed: 1, usage: 2, notFound: 3, refused: 4, unavailable: 5, diverged: 6, configuration: 78, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'done; where a job was waited for, it completed',
  failed: 'the job ended otherwise (failed, cancelled, degraded), or a service halted',
  usage: 'the command line or a file named in it is wrong; nothing was sent',
  notFound: 'there is no such job, submission, dead letter, user or file',
  refused: 'a service refused the request, or it conflicts with what is there',
  unavailable: 'a service does not answer, or the outcome is not known (yet)',
  diverged: 'two things that must be equal differ: topics, database, a replayed decision',
  configuration: 'the environment is incomplete or wrong; nothing was started',
  interrupted: 'stopped by Ctrl-C before the end',
};

const codesByError: Partial<Record<ErrorCode, keyof typeof exitCodes>> = {
  CONFIG_INVALID: 'configuration', INSECURE_IN_PRODUCTION: 'configuration',
  // Thrown here, of an option or a file; what a service says of a request comes with its status.
  WORKFLOW_FILE_INVALID: 'usage', INPUT_INVALID: 'usage',
  NOT_FOUND: 'notFound', BODY_NOT_FOUND: 'notFound',
  CONFLICT: 'refused', APPEND_REFUSED: 'refused', APPEND_TOO_LARGE: 'refused', LOG_LOCKED: 'refused', GATEWAY_REFUSED: 'refused', UNAUTHENTICATED: 'refused',
  APPEND_UNKNOWN: 'unavailable', DATABASE_UNAVAILABLE: 'unavailable', KAFKA_UNAVAILABLE: 'unavailable', REGISTRY_UNAVAILABLE: 'unavailable',
  GATEWAY_UNAVAILABLE: 'unavailable', MODEL_UNAVAILABLE: 'unavailable',
  TOPOLOGY_DRIFT: 'diverged', DATABASE_DRIFT: 'diverged', SCHEMA_INCOMPATIBLE: 'diverged', REPLAY_DIVERGED: 'diverged',
};

/** What went wrong, in words, with what to do next and the exit code to leave with. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly exit: keyof typeof exitCodes,
    message: string,
    readonly hint: string = '',
    /** Shown in `--json`; `code` names the kind. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return exitCodes[error.exit];
  if (error instanceof BlackboardError) return exitCodes[codesByError[error.code] ?? 'failed'];
  return exitCodes.failed;
}

/** What `blackboard help exit-codes` prints. */
export function exitCodesText(): string {
  const rows = (Object.keys(exitCodes) as (keyof typeof exitCodes)[]).map((name) => `  ${String(exitCodes[name]).padStart(3)}  ${name.padEnd(14)} ${exitMeanings[name]}`);
  return `Exit codes\n\n${rows.join('\n')}\n\nExample\n  $ blackboard watch JOB --json > events.ndjson || echo "ended with $?"\n`;
}
