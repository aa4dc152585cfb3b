// Says that the gateway takes no signature of a principal, and when it takes one again: once each, however many requests
// of however many attempts meet it.

import type { Logger } from '../../runtime/logger.js';

const goesOn = 'Each request is tried again until the deadline of its attempt; no model is asked meanwhile.';

export class GatewayTrust {
  readonly #refused = new Set<string>();

  constructor(private readonly logger: Pick<Logger, 'error' | 'info'> | undefined) {}

  /** A request was answered 401. */
  refused(principal: string, reason: string): void {
    if (this.#refused.has(principal)) return;
    this.#refused.add(principal);
    this.logger?.error({ principal, reason }, reason === 'clock-skew'
      ? `the gateway refuses what ${principal} signs: the clocks of this process and of the gateway are more than five minutes apart. Set the wrong one. ${goesOn}`
      : `the gateway refuses what ${principal} signs: the key files of this process and of the gateway do not match. Give both the files of one set ("blackboard keys"), the gateway all.json and this process the key of ${principal}, and start that one again whose file was wrong. ${goesOn}`);
  }

  /** A signed request was served, or refused to who it is. */
  taken(principal: string): void {
    if (this.#refused.delete(principal)) this.logger?.info({ principal }, `the gateway takes what ${principal} signs again`);
  }
}
