// What the answer to a produce request, or its absence, means for the appends in it. An append is certain only where
// the broker's answer says so for its very partition.

import { BlackboardError } from '../../errors.js';
import { isRetriable, protocolType, rootCause } from './kafka-error.js';
import { refuseErrorCode } from './wire/broker-request.js';
import type { ProducedPart } from './wire/produce.js';

/** How far a request came; decides between "refused" and "unknown". */
export interface Progress {
  attempts: number;
  /** Attempts that may have reached the broker. */
  writes: number;
}

/** The partition that a part of a request is for. */
interface ForPartition {
  readonly lane: { readonly key: string; readonly topic: string };
}

/** The answers by lane. @throws the first error in them, or unless each part has exactly one with an offset. */
export function covered(parts: readonly ForPartition[], produced: readonly ProducedPart[]): Map<string, ProducedPart> {
  const answers = new Map<string, ProducedPart>();
  for (const answer of produced) {
    refuseErrorCode(answer.errorCode);
    answers.set(laneKey(answer.topic, answer.partition), answer);
  }
  const whole = produced.length === parts.length && parts.every(({ lane }) => (answers.get(lane.key)?.baseOffset ?? -1) >= 0);
  if (!whole) throw new Error('the answer does not cover each partition of the request');
  return answers;
}

export function laneKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

// Of a topic, or of all: no partition of the topic has taken anything.
const refusedByTopic = new Set(['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION']);
const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** What the appends of a failed request are told. Certain only where nothing can have landed, or ever will. */
export function verdictOf(error: unknown, parts: readonly ForPartition[], progress: Progress): BlackboardError {
  const root = rootCause(error);
  const where = parts.map((part) => part.lane.key).slice(0, 8).join(', ');
  const type = protocolType(error) ?? '';
  const details = { partitions: parts.length, attempts: progress.attempts, reason: root.type ?? root.name, heals: isRetriable(error) };
  // An error is one partition's, and the others' batches may have landed. And a first try whose answer was lost may
  // have landed, whatever a second is told.
  const first = progress.writes === 1;
  const oneTopic = parts.every((part) => part.lane.topic === parts[0]!.lane.topic);
  if (first && parts.length === 1 && tooLarge.has(type)) {
    return new BlackboardError('APPEND_TOO_LARGE', `the broker takes no batch as large as the one for ${where}; raise the topic's max.message.bytes with \`blackboard topics apply\`, or append less at once`, details, { cause: error });
  }
  if (progress.writes === 0 || (first && oneTopic && refusedByTopic.has(type))) {
    return new BlackboardError('APPEND_REFUSED', `an append to ${where} was not taken (${root.message}); nothing of it is in the log, append it again`, details, { cause: error });
  }
  return new BlackboardError('APPEND_UNKNOWN', `the outcome of an append to ${where} is not known (${root.message}); read the partition to see what is there before anything is appended again`, details, { cause: error });
}
