// The error catalogue: every error that a person may meet has a code here, and an anchor of the same name in
// runbook.md (a test holds the two equal). A message says what happened, where, and what to do next.

export const errorCodes = {
  CONFIG_INVALID: 'the configuration is incomplete or wrong; every problem is listed at once',
  INSECURE_IN_PRODUCTION: 'the production profile was asked to use a listener without authentication',
  LOG_OUT_OF_RANGE: 'a stored position is not in the log any more; nothing was skipped',
  LOG_POSITION_CHANGED: 'the record at a stored position is another one than was read before',
  LOG_TRUNCATED: 'an acknowledgement came at a lower offset than the log had reached',
  LOG_GAP: 'offsets that must be dense are not',
  APPEND_REFUSED: 'the log refused a batch; it is not in the log',
  APPEND_UNKNOWN: 'the outcome of an append is not known; it may be in the log or not',
  APPEND_TOO_LARGE: 'a batch that must not be split is larger than the log takes',
  LOG_LOCKED: 'another process has this embedded log open',
  SCHEMA_UNKNOWN: 'bytes name a schema that is not known here',
  SCHEMA_INCOMPATIBLE: 'a schema is not compatible with the registered versions of its subject',
  TOPOLOGY_INVALID: 'the topology data breaks one of its own rules',
  TOPOLOGY_DRIFT: 'the broker does not match the topology data',
  MIGRATION_FAILED: 'a numbered SQL migration did not apply',
  DATABASE_DRIFT: 'the database was migrated by a newer or another version',
  DATABASE_UNAVAILABLE: 'no Postgres answers, and none can be started here',
  KAFKA_UNAVAILABLE: 'no broker answers, and none can be started here',
  REGISTRY_UNAVAILABLE: 'the schema registry does not answer',
  GATEWAY_REFUSED: 'the gateway refused a request under its capability',
  GATEWAY_UNAVAILABLE: 'the gateway does not answer',
  BODY_NOT_FOUND: 'no body of that hash is visible to this principal',
  MODEL_UNAVAILABLE: 'neither the primary nor the fallback model gave a usable answer',
  INPUT_INVALID: 'a request or a file breaks a named rule',
  WORKFLOW_FILE_INVALID: 'a workflow file cannot be loaded, or what it exports breaks a rule; every problem is listed at once',
  NOT_FOUND: 'there is no such job, claim or record',
  CONFLICT: 'the same idempotency key came with another body',
  UNAUTHENTICATED: 'no valid API key came with the request',
  REPLAY_DIVERGED: 'a decision taken again differs from the recorded one',
  INTERNAL: 'a fault of our own; the log of the process has it',
  OVERLOADED: 'as much as may wait is waiting; try again later',
  LOG_CLOSED: 'the log was closed while it was used',
  WRITER_FENCED: 'a newer owner has this partition; this one has stepped down',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An error with a code of the catalogue and structured details (never secrets) for logs and `--json`. */
export class BlackboardError extends Error {
  override readonly name = 'BlackboardError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
