// Bytes that are no claim. Each ends in the dead letter topic, where its key and bytes are kept.

import { limits } from '../../../topics/topics.js';
import { answerFields, artifact } from '../chaos/claims.js';
import { anyHash, terminalText, type Kind, type Vantage } from './kind.js';

/** Bytes made of a well-formed claim of the adversary's own, under an honest job's key where there is one. */
function bytes(name: string, deadLetter: Extract<Kind['expects'], { deadLetter: unknown }>['deadLetter'], change: (claim: Buffer, at: Vantage) => Buffer, share = 1): Kind {
  return {
    name, share, expects: { deadLetter },
    make: (at) => {
      const request = at.honest();
      if (request === null) return null;
      const claim = at.sender.signed('ArtifactsProposed', { ...answerFields(request.fact, request.record.offset), ...artifact(Buffer.from(anyHash(at))) }, { principal: 'mallory' });
      return { key: at.dice.chance(0.1) ? Buffer.from(terminalText) : Buffer.from(request.fact.job), partition: at.sender.partitionOf(request.fact.job), value: change(claim, at) };
    },
  };
}

function withSchemaId(claim: Buffer, id: number): Buffer {
  const copy = Buffer.from(claim);
  copy.writeInt32BE(id, 1);
  return copy;
}

/** Frame of the claim's schema, its type and then strings of which one says to be longer than any memory. */
function bomb(claim: Buffer, at: Vantage): Buffer {
  const huge = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  return Buffer.concat([claim.subarray(0, claim.length - at.dice.between(40, claim.length - 10)), huge]);
}

/** The claim's own type, then an array whose count is billions of items that take no bytes to name. */
function counted(claim: Buffer, { codec }: Vantage): Buffer {
  const empty = codec.decode(claim);
  if (!empty.ok) throw new Error('the own claim cannot be decoded');
  const bare = codec.encode({ ...empty.event, artifacts: [], receipts: [], signature: Buffer.alloc(0) } as typeof empty.event);
  // Behind: empty receipts, usage (four numbers), fallbackTaken, signature. The count of artifacts stands before them.
  const tail = bare.length - 8;
  return Buffer.concat([bare.subarray(0, tail), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.from([0])]);
}

export const badBytes: readonly Kind[] = [
  bytes('wrong magic byte', 'wrong-magic-byte', (claim, { dice }) => Buffer.concat([Buffer.from([dice.between(1, 255)]), claim.subarray(1)])),
  bytes('no bytes', 'wrong-magic-byte', () => Buffer.alloc(0)),
  bytes('shorter than the frame', 'wrong-magic-byte', (claim) => claim.subarray(0, 4)),
  bytes('JSON', 'wrong-magic-byte', () => Buffer.from(JSON.stringify({ type: 'ArtifactVerified', text: terminalText }))),
  bytes('unknown schema id', 'unknown-schema-id', (claim, { dice }) => withSchemaId(claim, dice.between(10_000_000, 2 ** 31 - 1))),
  bytes('negative schema id', 'unknown-schema-id', (claim, { dice }) => withSchemaId(claim, -dice.between(1, 2 ** 31))),
  bytes('truncated Avro', 'not-avro', (claim, { dice }) => claim.subarray(0, dice.between(6, claim.length - 1))),
  bytes('bytes left over', 'trailing-bytes', (claim) => Buffer.concat([claim, Buffer.from(terminalText)])),
  bytes('length beyond all memory', 'not-avro', bomb),
  bytes('array of billions', 'not-avro', counted),
  bytes('text that is no UTF-8', 'not-avro', (claim) => Buffer.concat([claim.subarray(0, 5), Buffer.from([4, 0xc3, 0x28]), claim.subarray(8)])),
  bytes('number that takes more than ten bytes', 'not-avro', (claim) => Buffer.concat([claim.subarray(0, 5), Buffer.alloc(20, 0xff), claim.subarray(25)])),
  bytes('oversized garbage', 'wrong-magic-byte', () => Buffer.alloc(limits.recordBytesMax, 0xaa), 0.02),
  { name: "a fact in the adversary's hands", expects: { deadLetter: 'not-a-claim' }, make: (at) => at.fact() },
  { name: 'larger than the log takes', share: 0.01, expects: { atTheDoor: 'APPEND_TOO_LARGE' }, make: (at) => ({ key: Buffer.from(anyHash(at).slice(0, 32)), value: Buffer.alloc(limits.recordBytesMax + 1, 1) }) },
];
