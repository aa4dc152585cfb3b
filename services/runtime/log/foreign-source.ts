// Topics that are not ours: other writers, other partition counts, compaction, transactions; so offsets rise but may
// have gaps. A source hands over records in order per partition, and stores a position only when the handler has said
// that everything before it is safe.

export interface ForeignRecord {
  readonly partition: number;
  readonly offset: number;
  /** Null: a tombstone. */
  readonly value: Buffer | null;
}

export interface ForeignConsumption {
  readonly topic: string;
  readonly group: string;
  /** Where a group without a stored position begins; stored at once, so that it begins there once. */
  readonly from: 'earliest' | 'latest';
  readonly sessionTimeoutMs: number;
  /** One or more records of one partition, in order. Resolves when all are safe; a rejection halts. */
  onBatch(records: readonly ForeignRecord[]): Promise<void>;
  /** Around each time that positions behind safe records are stored; default: nothing. */
  stored?(store: () => Promise<void>): Promise<void>;
  /** The source has stopped for good; nothing that was not safe has been passed over. */
  onHalt(error: Error): void;
  /** A partition has had records for a while, yet none is delivered. */
  onStall(place: { readonly partition: number; readonly offset: number; readonly next: number }): void;
}

export interface ForeignSource {
  /** @throws BlackboardError KAFKA_UNAVAILABLE, LOG_OUT_OF_RANGE */
  consume(consumption: ForeignConsumption): Promise<{ close(): Promise<void> }>;
}
