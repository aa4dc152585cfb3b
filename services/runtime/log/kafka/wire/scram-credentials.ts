// DescribeUserScramCredentials and AlterUserScramCredentials, version 0 (KIP-554), which kafkajs does not have. Both are
// of the flexible kind: headers end with tagged fields (none), arrays and texts begin with their length plus one.

import type { Broker } from 'kafkajs';
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
import { askBroker, refuseErrorCode } from './broker-request.js';

export type ScramMechanism = 'scram-sha-256' | 'scram-sha-512';

/** What a broker keeps of a password (RFC 5802). */
export interface ScramCredential {
  readonly user: string;
  readonly mechanism: ScramMechanism;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly saltedPassword: Buffer;
}

const mechanismCodes: Readonly<Record<ScramMechanism, number>> = { 'scram-sha-256': 1, 'scram-sha-512': 2 };
const noTags = Buffer.from([0]);
/** RESOURCE_NOT_FOUND: the user has no credential. */
const notFound = 91;

/** The mechanisms by which a user may log in; none: there is no such user. @throws kafkajs's errors */
export async function describeScramUser(broker: Broker, user: string): Promise<readonly ScramMechanism[]> {
  const body = Buffer.concat([noTags, length(1), text(user), noTags, noTags]);
  return await askBroker(broker, { apiKey: 50, apiVersion: 0, apiName: 'DescribeUserScramCredentials', body, read: readDescribed });
}

/** Makes the credential, or replaces the user's of that mechanism. @throws kafkajs's errors, the broker's words in them */
export async function alterScramUser(broker: Broker, credential: ScramCredential): Promise<void> {
  await askBroker(broker, { apiKey: 51, apiVersion: 0, apiName: 'AlterUserScramCredentials', body: writeAlter(credential), read: readAltered });
}

/** The user cannot log in by that mechanism any more; connections that are open stay. @throws kafkajs's errors */
export async function deleteScramUser(broker: Broker, user: string, mechanism: ScramMechanism): Promise<void> {
  await askBroker(broker, { apiKey: 51, apiVersion: 0, apiName: 'AlterUserScramCredentials', body: writeDelete(user, mechanism), read: readAltered });
}

/** @internal for its test */
export function writeAlter({ user, mechanism, iterations, salt, saltedPassword }: ScramCredential): Buffer {
  const fixed = Buffer.alloc(5);
  fixed.writeInt32BE(iterations, fixed.writeInt8(mechanismCodes[mechanism], 0));
  const noDeletions = length(0);
  return Buffer.concat([noTags, noDeletions, length(1), text(user), fixed, bytes(salt), bytes(saltedPassword), noTags, noTags]);
}

/** @internal for its test */
export function writeDelete(user: string, mechanism: ScramMechanism): Buffer {
  const noUpserts = length(0);
  return Buffer.concat([noTags, length(1), text(user), Buffer.from([mechanismCodes[mechanism]]), noTags, noUpserts, noTags]);
}

/** @internal for its test */
export function readDescribed(payload: Buffer): { answer: readonly ScramMechanism[]; throttleMs: number } {
  const at = new Cursor(payload);
  at.tags();
  const throttleMs = at.int32();
  refuse(at.int16(), at.text());
  const found: ScramMechanism[] = [];
  for (let users = at.length(); users > 0; users -= 1) {
    at.text();
    const code = at.int16();
    const said = at.text();
    if (code !== notFound) refuse(code, said);
    for (let credentials = at.length(); credentials > 0; credentials -= 1) {
      const mechanism = at.int8();
      at.int32();
      at.tags();
      found.push(...(Object.keys(mechanismCodes) as ScramMechanism[]).filter((name) => mechanismCodes[name] === mechanism));
    }
    at.tags();
  }
  return { answer: found, throttleMs };
}

/** @internal for its test */
export function readAltered(payload: Buffer): { answer: undefined; throttleMs: number } {
  const at = new Cursor(payload);
  at.tags();
  const throttleMs = at.int32();
  for (let results = at.length(); results > 0; results -= 1) {
    at.text();
    refuse(at.int16(), at.text());
    at.tags();
  }
  return { answer: undefined, throttleMs };
}

/** The broker says more than the code does, e.g. which bound a password's iterations break. */
function refuse(code: number, said: string): void {
  if (code === 0 || said === '') return refuseErrorCode(code);
  const error = createErrorFromCode(code);
  error.message = said;
  throw error;
}

class Cursor {
  #at = 0;
  constructor(private readonly payload: Buffer) {}

  int8(): number { return this.payload.readInt8(this.#passed(1)); }
  int16(): number { return this.payload.readInt16BE(this.#passed(2)); }
  int32(): number { return this.payload.readInt32BE(this.#passed(4)); }
  /** Of an array or a text; that of what is null is 0. */
  length(): number { return Math.max(0, this.#varint() - 1); }
  text(): string {
    const size = this.length();
    const from = this.#passed(size);
    return this.payload.toString('utf8', from, from + size);
  }
  /** Passes them over. */
  tags(): void {
    for (let count = this.#varint(); count > 0; count -= 1) {
      this.#varint();
      this.#passed(this.#varint());
    }
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.payload.readUInt8(this.#passed(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  #passed(count: number): number {
    this.#at += count;
    return this.#at - count;
  }
}

function length(count: number): Buffer {
  const out: number[] = [];
  let left = count + 1;
  for (; left >= 0x80; left >>>= 7) out.push((left & 0x7f) | 0x80);
  return Buffer.from([...out, left]);
}

function bytes(value: Buffer): Buffer {
  return Buffer.concat([length(value.length), value]);
}

function text(value: string): Buffer {
  return bytes(Buffer.from(value));
}
