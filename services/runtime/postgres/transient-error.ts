const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT']);
// Classes of SQLSTATE: connection, transaction conflict, resources, operator intervention, system error; and a standby.
const states = /^(08...|40...|53...|57...|58...|55P03|25006)$/;
// `pg` says these without a code.
const words = /connection terminated|connection timeout|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error/i;

/** Whether the same statements may succeed later without anyone changing them: the database is away, busy or failing over. */
export function isTransientDatabaseError(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isTransientDatabaseError);
  if (typeof code === 'string') return networkCodes.has(code) || states.test(code);
  return typeof message === 'string' && words.test(message);
}
