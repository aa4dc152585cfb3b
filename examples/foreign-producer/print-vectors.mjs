// Prints what submission.mjs makes of the published test vectors, one line each: key, partition (of 64), value as hex, name.
// @ts-check

import { readFileSync } from 'node:fs';
import { fingerprintOf, partitionOf, signedRecord } from './submission.mjs';

const fixtures = new URL('../../schemas/fixtures/', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('signed-vectors.json', fixtures), 'utf8'));
const fingerprint = fingerprintOf(JSON.parse(readFileSync(new URL('v1/JobSubmitted.avsc', fixtures), 'utf8')));
for (const { name, event, key, valueHex } of vectors) {
  if (event.type !== 'JobSubmitted') continue;
  // The registry's id is of an installation; that of the vectors stands in their frame.
  const id = Buffer.from(valueHex, 'hex').readInt32BE(1);
  const record = signedRecord(event, { signer: event.signer, secret: Buffer.from(key.secretHex, 'hex') }, { id, fingerprint });
  process.stdout.write(`${record.key} ${partitionOf(record.key, 64)} ${record.value.toString('hex')} ${name}\n`);
}
