import { systemRefusal } from '../runtime/system-error.js';
import { CliError } from './exit-codes.js';

/** Null when it is no error of the system about a file, a disk or a port. */
export function systemError(error: unknown): CliError | null {
  const refusal = systemRefusal(error);
  if (refusal === null) return null;
  const { kind, code, message, hint } = refusal;
  return new CliError(kind, message, code === 'EADDRINUSE' ? `A blackboard may run there already ("blackboard list" asks it). ${hint}` : hint, { code });
}
