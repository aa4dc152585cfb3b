// A later version of a submission's schema, as a registry has it and nobody in the run knows yet: an owner that meets
// one learns it, or writes the record off when the registry does not answer.

import { join } from 'node:path';
import { composeSchemas } from '../../../schemas/compose.js';
import { parseSchema } from '../../runtime/codec/event-codec.js';
import { projectRoot } from '../../runtime/project-root.js';

interface RecordSchema { readonly name: string; readonly fields: readonly { readonly name: string }[] }

const own = composeSchemas(join(projectRoot, 'schemas')).find(({ name }) => name === 'JobSubmitted')?.avro as RecordSchema;
const avro = { ...own, fields: [...own.fields.slice(0, -1), { name: 'priority', type: 'int', default: 0 }, ...own.fields.slice(-1)] };
const type = parseSchema(avro);
const fingerprint = type.fingerprint('sha256');
const id = fingerprint.readInt32BE(0) & 0x7fffffff;

export const lateSchema = { id, avro } as const;

/** Frame and body, signed over fingerprint and body like any other claim. */
export function encodeLate(claim: Readonly<Record<string, unknown>>, sign: (fingerprint: Buffer, body: Buffer) => Buffer): Buffer {
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(id, 1);
  const unsigned = type.toBuffer({ ...claim, priority: 1, signature: Buffer.alloc(0) });
  const body = unsigned.subarray(0, -1);
  const signature = sign(fingerprint, body);
  return Buffer.concat([frame, body, Buffer.from([signature.length * 2]), signature]);
}
