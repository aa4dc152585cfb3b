// From kafkajs's messages to the port's records.

import type { TopicName } from '../../../../topics/topics.js';
import type { LogRecord } from '../port.js';

/** The part of kafkajs's message that is used. */
export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

const nothing = Buffer.alloc(0);

export function toRecord(topic: TopicName, partition: number, message: FetchedMessage): LogRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    appendTimeMs: Number(message.timestamp),
    key: message.key ?? nothing,
    value: message.value ?? nothing,
  };
}
