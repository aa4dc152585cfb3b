// Secrets of commands: from the variable or from the file that <NAME>_FILE names, as with every service. A variable
// that is honoured in one place and ignored in another opens doors and picks databases that nobody meant.

import { z } from 'zod';
import { readConfig, secret } from '../runtime/config.js';

/** Empty: neither is set. @throws BlackboardError CONFIG_INVALID: both are, or the file cannot be read. */
export function secretVariable(env: NodeJS.ProcessEnv, name: 'BLACKBOARD_API_KEY' | 'BLACKBOARD_API_KEYS' | 'DATABASE_URL'): string {
  return readConfig(z.object({ [name]: secret().optional() }), env)[name]?.reveal() ?? '';
}
