// A codec without a registry: ids are the first 31 bits of each schema's fingerprint, so that they need no store, and
// the schemas of every released version are known, so that a log of years ago can still be read.

import { composeSchemas } from '../../../schemas/compose.js';
import type { EventType } from '../../../schemas/generated/events.js';
import { readFixtures } from '../../../schemas/read-fixtures.js';
import { BlackboardError } from '../errors.js';
import { EventCodec, parseSchema } from './event-codec.js';

/** Teaches a codec all schemas. @throws BlackboardError SCHEMA_INCOMPATIBLE when two ids collide or an older version cannot be resolved. */
export function embeddedCodec<C extends EventCodec = EventCodec>(schemasDir: string, codec: C = new EventCodec() as C): C {
  for (const schema of composeSchemas(schemasDir)) {
    const id = idOf(schema.avro);
    if (codec.knows(id)) throw new BlackboardError('SCHEMA_INCOMPATIBLE', `the schema id of ${schema.name} is taken by another event; change the doc-free part of one`);
    codec.define(schema.name as EventType, schema.avro, id);
  }
  for (const { avro } of readFixtures(schemasDir).flatMap((version) => version.fixtures)) {
    const id = idOf(avro);
    if (!codec.knows(id)) codec.learn(id, avro);
  }
  return codec;
}

function idOf(avro: unknown): number {
  return parseSchema(avro).fingerprint('sha256').readInt32BE(0) & 0x7fffffff;
}
