// What replay knows of a log: it can be read, and nothing else. Every way to open one for replay gives this type, so
// that no code of replay has a writer in its hands.

import type { TopicNames } from '../topics/topics.js';
import type { EventCodec } from '../services/runtime/codec/event-codec.js';
import type { Learn } from '../services/runtime/codec/learn-schemas.js';
import type { LogPort } from '../services/runtime/log/port.js';

export type ReadableLog = Pick<LogPort, 'read' | 'ranges' | 'close'>;

/** A recorded blackboard: its log, and how its bytes are read. */
export interface RecordedBlackboard {
  readonly log: ReadableLog;
  readonly topics: Pick<TopicNames, 'quarantine' | 'verified'>;
  readonly codec: EventCodec;
  /** Learns a schema id that the codec does not know. */
  readonly learn?: Learn;
}
