import type { EventCodec } from '../codec/event-codec.js';
import type { Learn } from '../codec/learn-schemas.js';
import { BlackboardError } from '../errors.js';
import type { LogRecord } from './port.js';

/**
 * Type and epoch of a record, whose schema is learnt first where it is not known.
 * @throws BlackboardError SCHEMA_UNKNOWN when it is not to be had; what `learn` throws.
 */
export async function peekLearning({ topic, partition, offset, value }: LogRecord, codec: EventCodec, learn: Learn | undefined): Promise<NonNullable<ReturnType<EventCodec['peek']>>> {
  const known = codec.peek(value);
  if (known !== null) return known;
  const schemaId = value.length >= 5 ? value.readInt32BE(1) : -1;
  if (schemaId >= 0) await learn?.(schemaId);
  const peeked = codec.peek(value);
  if (peeked === null) throw new BlackboardError('SCHEMA_UNKNOWN', `${topic} partition ${partition} offset ${offset} names schema id ${schemaId}, which is not known here; upgrade this service or check the registry`, { offset, schemaId });
  return peeked;
}
