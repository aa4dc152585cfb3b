// Keeps the present schemas as the next version of the contract, where they differ from the newest one that is kept:
// `node dist/schemas/record-fixtures.js`. Run it in the commit that changes a schema; a test fails until then. A
// version that was released is never written again.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import avsc from 'avsc';
import { composeSchemas } from './compose.js';
import { readFixtures } from './read-fixtures.js';

/** An event with something in each of its fields, the same every time. */
export function sampleEvent(type: avsc.Type, event: string): unknown {
  return { ...(sampleOf(type) as object), type: event };
}

function sampleOf(type: avsc.Type): unknown {
  const shape = type as avsc.Type & { readonly typeName: string; readonly fields?: readonly { readonly name: string; readonly type: avsc.Type }[]; readonly itemsType?: avsc.Type };
  switch (shape.typeName) {
    case 'string': return 'text with ünïcode';
    case 'int': return 7;
    case 'long': return 1_700_000_000_000;
    case 'double': return 0.75;
    case 'boolean': return true;
    case 'bytes': return Buffer.from([0, 1, 254, 255]);
    case 'array': return [sampleOf(shape.itemsType as avsc.Type)];
    case 'record': return Object.fromEntries((shape.fields ?? []).map((field) => [field.name, sampleOf(field.type)]));
    default: throw new Error(`schemas/record-fixtures.ts has no sample of the Avro type ${shape.typeName}`);
  }
}

/** Writes the next version; null when nothing changed since the newest one. */
export function recordFixtures(schemasDir: string): number | null {
  const schemas = composeSchemas(schemasDir).map((schema) => ({ schema, type: avsc.Type.forSchema(schema.avro as avsc.Schema, { wrapUnions: false }) }));
  const fingerprints = Object.fromEntries(schemas.map(({ schema, type }) => [schema.name, type.fingerprint('sha256').toString('hex')]));
  const newest = existsSync(join(schemasDir, 'fixtures')) ? readFixtures(schemasDir).at(-1) : undefined;
  const kept = Object.fromEntries((newest?.fixtures ?? []).map((fixture) => [fixture.event, fixture.fingerprint]));
  if (Object.keys(kept).length === schemas.length && schemas.every(({ schema }) => kept[schema.name] === fingerprints[schema.name])) return null;
  const version = (newest?.version ?? 0) + 1;
  const folder = join(schemasDir, 'fixtures', `v${version}`);
  mkdirSync(folder, { recursive: true });
  for (const { schema, type } of schemas) {
    const frame = Buffer.alloc(5);
    frame.writeInt32BE(type.fingerprint('sha256').readInt32BE(0) & 0x7fffffff, 1);
    writeFileSync(join(folder, `${schema.name}.avsc`), `${JSON.stringify(schema.avro, null, 1)}\n`);
    writeFileSync(join(folder, `${schema.name}.bin`), Buffer.concat([frame, type.toBuffer(sampleEvent(type, schema.name))]));
  }
  writeFileSync(join(folder, 'fingerprints.json'), `${JSON.stringify(fingerprints, null, 2)}\n`);
  return version;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const version = recordFixtures(process.argv[2] ?? 'schemas');
  process.stdout.write(version === null ? 'the schemas are those of the newest version that is kept\n' : `kept as schemas/fixtures/v${version}\n`);
}
