// A process with another process's key file would run: it would sign nothing, or take every honest signature for a
// forgery, and what is refused so stays refused. So it does not start.

import { BlackboardError } from './errors.js';
import type { Keyring } from './keyring.js';
import type { Logger } from './logger.js';

const allKeys = 'the file with the keys of all principals: all.json';

/** @throws BlackboardError CONFIG_INVALID: the principal's own key is not there. */
export function requireOwnKey(keyring: Pick<Keyring, 'holds'>, own: string): void {
  if (!keyring.holds(own)) throw wrongFile(`holds no key of ${own}`, own === 'orchestrator' || own === 'gateway' ? allKeys : `its own file: ${own}.json`);
}

/**
 * For who verifies the signatures of others; keys that are missing may have been taken away, and are named.
 * @throws BlackboardError CONFIG_INVALID: there is no key but its own.
 */
export function requireKeysOfOthers(keyring: Pick<Keyring, 'holds'>, own: string, principals: readonly string[], logger: Pick<Logger, 'warn'>): void {
  requireOwnKey(keyring, own);
  const others = principals.filter((principal) => principal !== own);
  const missing = others.filter((principal) => !keyring.holds(principal));
  if (others.length > 0 && missing.length === others.length) throw wrongFile(`holds no key but that of ${own}, so that every honest signature would be taken for a forgery`, allKeys);
  warnOf(missing, logger);
}

/**
 * For the gateway: no configuration of its own says which agents there are, so that any key but a service's will do.
 * @param known principals that are looked for by name: `services` need no key here, `askers` are named where they have none.
 * @throws BlackboardError CONFIG_INVALID: no agent has a key.
 */
export function requireKeysOfAgents(keyring: Pick<Keyring, 'holds' | 'principals'>, own: string, known: { readonly services: readonly string[]; readonly askers: readonly string[] }, logger: Pick<Logger, 'warn'>): void {
  requireOwnKey(keyring, own);
  const held = keyring.principals();
  if (held.every((principal) => known.services.includes(principal))) throw wrongFile(`holds no key of an agent (only of ${held.join(', ')}), so that every request of every agent would be refused`, allKeys);
  warnOf(known.askers.filter((principal) => !keyring.holds(principal)), logger);
}

function warnOf(missing: readonly string[], logger: Pick<Logger, 'warn'>): void {
  if (missing.length > 0) logger.warn({ principals: missing }, 'there is no key of these principals: whatever they sign is refused as bad-signature');
}

function wrongFile(what: string, wanted: string): BlackboardError {
  return new BlackboardError('CONFIG_INVALID', `BLACKBOARD_KEYS ${what}; nothing was started. Give this process ${wanted} ("blackboard keys" makes them).`);
}
