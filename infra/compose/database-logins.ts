// Logins of services: each may act under its own role and no other. Safe to run again; passwords are set anew.

import type { Database } from '../../services/runtime/database.js';
import { BlackboardError } from '../../services/runtime/errors.js';

export interface DatabaseLogin {
  readonly name: string;
  readonly password: string;
  /** The role that migrations made, e.g. `blackboard_projector`. */
  readonly role: string;
}

/** @throws BlackboardError CONFIG_INVALID when the URL names no user or password. */
export function loginOf(url: string, role: string): DatabaseLogin {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const [name, password] = [decoded(parsed?.username), decoded(parsed?.password)];
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name) || password === '') throw new BlackboardError('CONFIG_INVALID', `the database URL for ${role} must name a user (small letters, digits, "_") and a password, both percent-encoded`);
  return { name, password, role };
}

/** Empty where it is not encoded as a URL asks for. */
function decoded(part = ''): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

export async function makeLogins(db: Pick<Database, 'transaction'>, logins: readonly DatabaseLogin[]): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { name, password, role } of logins) {
      const [found] = await tx.query('SELECT 1 AS found FROM pg_roles WHERE rolname = $1', [name]);
      // Neither name nor password can be a parameter here; format() on the server quotes both.
      const verb = found === undefined ? 'CREATE' : 'ALTER';
      const [statement] = await tx.query<{ text: string }>(`SELECT format('${verb} ROLE %I LOGIN NOINHERIT PASSWORD %L', $1::text, $2::text) AS text`, [name, password]);
      await tx.query(statement?.text ?? '');
      await tx.query(`GRANT ${role} TO ${name}`);
    }
  });
}
