// Events to bytes and back: Confluent wire format (0, four bytes of schema id, Avro body). Types and resolvers are
// built once per schema; nothing is rebuilt on the hot path. A body that has bytes left over is refused.
// Digests and signatures cover schema fingerprint and body, never the frame: registry ids differ between installations.

import { createHash, hash } from 'node:crypto';
import avsc from 'avsc';
import type { BlackboardEvent, Claim, ControlEvent, EventType } from '../../../schemas/generated/events.js';
import { messageClassOf } from '../../../schemas/generated/events.js';
import { BlackboardError } from '../errors.js';
import { endOfAvro, readLong, skipVarint } from './avro-bounds.js';
import type { AvroShape } from './avro-shape.js';
import { compileReader, type AvroRead } from './compile-reader.js';
import { compileWriter, type AvroWrite } from './compile-writer.js';
import { Slab } from './slab.js';

const frameBytes = 5;
const fingerprintBytes = 32;
const unsigned = Buffer.alloc(32);

/** A schema as this process writes or has learnt to read it. */
export interface KnownSchema {
  readonly eventType: EventType;
  /** As written. */
  readonly writer: avsc.Type;
  /** SHA-256 of the schema's parsing canonical form. */
  readonly fingerprint: Buffer;
  /** Null when the writer's schema is the reader's. */
  readonly resolver: avsc.Resolver | null;
  /** Null when the writer's schema is another than the reader's. */
  readonly read: AvroRead | null;
  /** Kinds of the fields before `atMs`; null likewise. */
  readonly beforeAtMs: readonly ('string' | 'number')[] | null;
}

/** A schema as this process writes it. */
interface OwnSchema {
  readonly type: avsc.Type;
  readonly id: number;
  readonly fingerprint: Buffer;
  readonly known: KnownSchema;
  readonly write: AvroWrite | null;
  /** As `write`, with `unsigned` for whatever signature the event has or has not; null also for facts, which nobody signs. */
  readonly writeUnsigned: AvroWrite | null;
}

export type Undecodable = 'wrong-magic-byte' | 'unknown-schema-id' | 'truncated' | 'trailing-bytes' | 'not-avro';

export type Decoded =
  | { readonly ok: true; readonly event: BlackboardEvent; readonly schema: KnownSchema; readonly body: Buffer }
  | { readonly ok: false; readonly reason: Undecodable; readonly schemaId: number };

export class EventCodec {
  readonly #bySchemaId = new Map<number, KnownSchema>();
  readonly #own = new Map<EventType, OwnSchema>();
  readonly #slab = new Slab();
  readonly #scratch = Buffer.allocUnsafeSlow(16 * 1024);

  /**
   * Makes `id` the id under which this process writes events of a type. A negative one is this process's own: no registry
   * gives it, so a record that names it is a stranger's, of an unknown schema as any other that nobody knows.
   */
  define(eventType: EventType, avro: unknown, id: number): void {
    const type = parseSchema(avro);
    const fingerprint = type.fingerprint('sha256');
    const known = { eventType, writer: type, fingerprint, resolver: null, read: compileReader(type), beforeAtMs: kindsBefore(type, 'atMs') };
    this.#own.set(eventType, { type, id, fingerprint, known, write: compileWriter(type), writeUnsigned: messageClassOf[eventType] === 'fact' ? null : compileWriter(type, { signature: unsigned }) });
    if (id >= 0) this.#bySchemaId.set(id, known);
  }

  /**
   * Learns a further schema id, written by another version.
   * @throws BlackboardError SCHEMA_INCOMPATIBLE when it cannot be resolved to this process's schema of that type.
   */
  learn(id: number, avro: unknown): void {
    if (id < 0) throw new BlackboardError('SCHEMA_UNKNOWN', `schema id ${id} is none: registries give no negative ids`, { id });
    const writer = parseForeign(id, avro);
    const eventType = shortName(writer) as EventType;
    const own = this.#own.get(eventType);
    if (own === undefined) throw new BlackboardError('SCHEMA_UNKNOWN', `schema id ${id} is of ${String(writer.name)}, an event type that is not known here; upgrade this service`);
    try {
      this.#bySchemaId.set(id, { eventType, writer, fingerprint: writer.fingerprint('sha256'), resolver: own.type.createResolver(writer), read: null, beforeAtMs: null });
    } catch (error) {
      throw new BlackboardError('SCHEMA_INCOMPATIBLE', `schema id ${id} of ${eventType} cannot be read with the schema known here: ${(error as Error).message}`, { id, eventType });
    }
  }

  knows(id: number): boolean {
    return this.#bySchemaId.has(id);
  }

  /** The schema of an id as it was written, as JSON data; null when it is not known. */
  schemaOf(id: number): unknown {
    return this.#bySchemaId.get(id)?.writer.schema({ exportAttrs: true }) ?? null;
  }

  fingerprintOf(eventType: EventType): Buffer {
    return this.#mine(eventType).fingerprint;
  }

  /** Encodes an event whose signature, if its class has one, is already final. The bytes are never reused. */
  encode(event: BlackboardEvent): Buffer {
    const own = this.#mine(event.type);
    return this.#framedBytes(own, own.write, event, () => event);
  }

  /** `asWhole` makes of the event what avsc is to write where `write` does not. */
  #framedBytes({ id, type }: OwnSchema, write: AvroWrite | null, event: BlackboardEvent, asWhole: () => unknown): Buffer {
    return this.#slab.write((buffer, start) => {
      if (start + frameBytes > buffer.length) return buffer.length - start - frameBytes - 1024;
      buffer[start] = 0;
      buffer.writeInt32BE(id, start + 1);
      const end = write === null ? -1 : write(buffer, start + frameBytes, event);
      return end >= 0 ? end : type.encode(asWhole(), buffer, start + frameBytes);
    });
  }

  /** Encodes and signs: `sign` gets fingerprint and body up to the signature field, in two parts. */
  encodeSigned(event: Claim | ControlEvent, sign: (fingerprint: Buffer, body: Buffer) => Buffer): Buffer {
    // Room for the signature that keys of ours make, so that it is put in place and nothing is copied.
    const own = this.#mine(event.type);
    const value = this.#framedBytes(own, own.writeUnsigned, event, () => ({ ...event, signature: unsigned }));
    const end = value.length - unsigned.length - prefixBytes(unsigned.length);
    const signature = sign(own.fingerprint, value.subarray(frameBytes, end));
    if (signature.length !== unsigned.length) return Buffer.concat([value.subarray(0, end), lengthPrefix(signature.length), signature]);
    value.set(signature, value.length - signature.length);
    return value;
  }

  /** Decodes bytes of anybody: nothing is built of what the bytes do not hold. */
  decode(value: Buffer): Decoded {
    return this.#decode(value, false);
  }

  #decode(value: Buffer, isTrusted: boolean): Decoded {
    if (value.length < frameBytes || value[0] !== 0) return { ok: false, reason: 'wrong-magic-byte', schemaId: -1 };
    const schemaId = value.readInt32BE(1);
    const schema = this.#bySchemaId.get(schemaId);
    if (schema === undefined) return { ok: false, reason: 'unknown-schema-id', schemaId };
    const known = schema.read?.(value, frameBytes) as BlackboardEvent | undefined;
    if (known !== undefined && known.type === schema.eventType) return { ok: true, event: known, schema, body: value.subarray(frameBytes) };
    if (!isTrusted) {
      const end = endOfAvro(schema.writer, value, frameBytes);
      if (end !== value.length) return { ok: false, reason: end < 0 ? 'not-avro' : 'trailing-bytes', schemaId };
    }
    try {
      const type = schema.resolver === null ? schema.writer : this.#mine(schema.eventType).type;
      const { value: event, offset } = type.decode(value, frameBytes, schema.resolver ?? undefined) as { value: BlackboardEvent; offset: number };
      if (offset < 0) return { ok: false, reason: 'truncated', schemaId };
      if (offset !== value.length) return { ok: false, reason: 'trailing-bytes', schemaId };
      if (event.type !== schema.eventType) return { ok: false, reason: 'not-avro', schemaId };
      return { ok: true, event, schema, body: value.subarray(frameBytes) };
    } catch {
      // avsc throws plain errors on malformed input: whatever it says, these bytes are not an event.
      return { ok: false, reason: 'not-avro', schemaId };
    }
  }

  /** Decodes what `encode` made of an event of this type here, also under an id that no record has. */
  decodeOwn(eventType: EventType, encoded: Buffer): BlackboardEvent {
    const { known, type } = this.#mine(eventType);
    return (known.read?.(encoded, frameBytes) ?? type.decode(encoded, frameBytes).value) as BlackboardEvent;
  }

  /** Decodes a record of `bb.verified`, whose only writer is ours. @throws BlackboardError SCHEMA_UNKNOWN */
  decodeFact(value: Buffer): BlackboardEvent {
    const schema = this.#framed(value);
    const known = schema?.read?.(value, frameBytes) as BlackboardEvent | undefined;
    if (known !== undefined && known.type === schema?.eventType) return known;
    const decoded = this.#decode(value, true);
    if (!decoded.ok) throw new BlackboardError('SCHEMA_UNKNOWN', `a fact cannot be decoded (${decoded.reason}, schema id ${decoded.schemaId}); upgrade this service or check the registry`, { ...decoded });
    return decoded.event;
  }

  /** Event type and epoch without decoding the rest; null when the schema id is unknown. */
  peek(value: Buffer): { readonly type: EventType; readonly epoch: number } | null {
    const schema = value.length < frameBytes ? undefined : this.#bySchemaId.get(value.readInt32BE(1));
    if (schema === undefined) return null;
    return { type: schema.eventType, epoch: readLong(value, skipString(value, skipString(value, skipString(value, frameBytes)))) };
  }

  /** The agent that a fact is addressed to or by, without decoding the rest; type and step come before it. */
  peekAgent(value: Buffer): string {
    const at = skipString(value, skipString(value, frameBytes));
    return value.toString('utf8', skipVarint(value, at), skipString(value, at));
  }

  /** A fact's `atMs`, without decoding the rest where its schema is this process's. @throws BlackboardError SCHEMA_UNKNOWN */
  peekAtMs(value: Buffer): number {
    const before = this.#framed(value)?.beforeAtMs;
    if (before === undefined || before === null) return this.decodeFact(value).atMs;
    let at = frameBytes;
    for (const kind of before) at = kind === 'string' ? skipString(value, at) : skipVarint(value, at);
    return readLong(value, at);
  }

  /** SHA-256 over fingerprint and body; of the raw bytes when the schema is unknown. */
  digest(value: Buffer): Buffer {
    // A text made into bytes here takes half of the time of bytes that the hash makes.
    return Buffer.from(this.#digest(value, 'binary'), 'latin1');
  }

  /** As `digest`, 64 hex digits. */
  digestHex(value: Buffer): string {
    return this.#digest(value, 'hex');
  }

  #digest(value: Buffer, encoding: 'hex' | 'binary'): string {
    const schema = this.#framed(value);
    if (schema === undefined) return hash('sha256', value, encoding);
    const bytes = fingerprintBytes + value.length - frameBytes;
    if (bytes > this.#scratch.length) return createHash('sha256').update(schema.fingerprint).update(value.subarray(frameBytes)).digest(encoding);
    // One call over bytes that lie together takes half the time of a hash that is fed in two parts. The frame's place
    // is the end of the fingerprint's, which is put over it.
    this.#scratch.set(value, fingerprintBytes - frameBytes);
    this.#scratch.set(schema.fingerprint);
    return hash('sha256', this.#scratch.subarray(0, bytes), encoding);
  }

  /** The schema that a record in Confluent's frame names; undefined without that frame, or when it is not known. */
  #framed(value: Buffer): KnownSchema | undefined {
    return value.length < frameBytes || value[0] !== 0 ? undefined : this.#bySchemaId.get(value.readInt32BE(1));
  }

  #mine(eventType: EventType): OwnSchema {
    const own = this.#own.get(eventType);
    if (own === undefined) throw new BlackboardError('SCHEMA_UNKNOWN', `no schema is defined for ${eventType}`);
    return own;
  }
}

export const eventTypes = Object.keys(messageClassOf) as readonly EventType[];

/** The signed part of a signed event's body: all before the signature field, which is the last. */
export function signedPart(body: Buffer, signatureLength: number): Buffer {
  return body.subarray(0, body.length - signatureLength - prefixBytes(signatureLength));
}

export function parseSchema(avro: unknown): avsc.Type {
  return avsc.Type.forSchema(avro as avsc.Schema, { wrapUnions: false });
}

/** Whoever names an id may name one of a JSON schema. */
function parseForeign(id: number, avro: unknown): avsc.Type {
  try {
    return parseSchema(avro);
  } catch (error) {
    throw new BlackboardError('SCHEMA_UNKNOWN', `schema id ${id} is no Avro schema: ${(error as Error).message}`, { id }, { cause: error });
  }
}

/** Null when the type has no such field, or others than texts and whole numbers before it. */
function kindsBefore(type: avsc.Type, name: string): readonly ('string' | 'number')[] | null {
  const fields = (type as AvroShape).fields ?? [];
  const place = fields.findIndex((field) => field.name === name);
  const kinds = fields.slice(0, Math.max(0, place)).map((field) => (field.type as AvroShape).typeName);
  if (place < 0 || !kinds.every((kind) => kind === 'string' || kind === 'int' || kind === 'long')) return null;
  return kinds.map((kind) => (kind === 'string' ? kind : 'number'));
}

function shortName(type: avsc.Type): string {
  return (type.name ?? '').split('.').at(-1) ?? '';
}

/** Avro writes lengths as zigzag varints. */
function lengthPrefix(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length * 2;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function prefixBytes(length: number): number {
  let bytes = 1;
  for (let rest = length * 2; rest > 0x7f; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

function skipString(buffer: Buffer, start: number): number {
  return skipVarint(buffer, start) + readLong(buffer, start);
}
