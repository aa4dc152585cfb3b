// Posts one claim. An answer may have been paid for: while the log only cannot be reached it is kept, and posted again,
// until nobody waits for it any more.

import { pause } from '../../runtime/clock.js';
import { BlackboardError, type ErrorCode } from '../../runtime/errors.js';
import type { Logger } from '../../runtime/logger.js';
import { through } from '../../runtime/seams.js';
import type { Attempt } from './attempt-book.js';
import type { AttemptParts } from './run-attempt.js';

/** Tries that fail for another reason than an outage. */
const lastingMax = 8;
/** The outcome of these may be healed by appending again: the gate refuses a duplicate by the state it meets. */
const worthRetrying: ReadonlySet<ErrorCode> = new Set(['APPEND_UNKNOWN', 'KAFKA_UNAVAILABLE', 'APPEND_REFUSED']);
/** What waits behind a failed append is refused with it; a log that refuses so often, and does not say that it heals, refuses for good. */
const refusalsMax = 4;
const pauseMsMax = 2_000;

export interface Posting {
  readonly parts: Pick<AttemptParts, 'log' | 'topics' | 'seams' | 'clock' | 'outages'>;
  /** Stamps the attempt's ids on what it says. */
  readonly logger: () => Logger;
}

/**
 * False when the log did not take it in time; a claim may then be in the log all the same.
 * @throws whatever the log throws that retrying does not heal.
 */
export async function postClaim(value: Buffer, attempt: Attempt, { parts, logger }: Posting): Promise<boolean> {
  const { partition, ending } = attempt;
  const batch = { topic: parts.topics.quarantine, partition, records: [{ key: Buffer.from(attempt.request.job), value }] };
  let isOutageTold = false;
  try {
    for (let tries = 1, lasting = 0, refusals = 0; ; tries += 1) {
      try {
        await through(parts.seams, 'agents.append-claim', () => parts.log.append(batch));
        parts.outages.answered(partition);
        return true;
      } catch (error) {
        if (!(error instanceof BlackboardError) || !worthRetrying.has(error.code)) throw error;
        const heals = error.details['heals'] === true;
        if (!heals) lasting += 1;
        if (!heals && error.code === 'APPEND_REFUSED' && ++refusals >= refusalsMax) throw error;
        if (lasting >= lastingMax || ending.isOver) {
          logger().error({ err: error, tries }, 'the claim could not be posted; the deadline will close the attempt');
          return false;
        }
        if (heals && !isOutageTold) {
          isOutageTold = true;
          logger().warn({ err: error }, 'the log cannot be reached; the answer is kept, and posted again and again until its deadline');
        }
        if (heals && error.code === 'APPEND_UNKNOWN') await parts.outages.turn(partition, attempt, ending.signal);
        else await pause(parts.clock, Math.random() * Math.min(pauseMsMax, 50 * 2 ** tries), ending.signal);
        // A copy that nobody waits for any more would only be refused; a process that stops has it tried once more.
        if (ending.isOver && attempt.abortedFor !== 'shutdown') {
          logger().error({ err: error, tries }, 'the claim could not be posted before its attempt was over');
          return false;
        }
      }
    }
  } finally {
    parts.outages.leave(partition, attempt);
  }
}
