import type { VerifiedFact } from '../runtime/log/verified-facts.js';
import type { EventCodec } from '../runtime/codec/event-codec.js';
import { project } from './project.js';
import type { RowChanges } from './rows.js';

/** Decodes and projects one record. @throws BlackboardError SCHEMA_UNKNOWN */
export function projectRecord(fact: VerifiedFact, codec: EventCodec): RowChanges {
  const { topic, partition, offset, appendTimeMs, value } = fact.record;
  return project(fact.decode(), { topic, partition, offset, appendTimeMs, digest: codec.digestHex(value) }, !fact.counts);
}
