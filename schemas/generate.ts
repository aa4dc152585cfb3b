// Writes schemas/generated/events.ts from the composed schemas. Run by `node dist/schemas/generate.js`;
// a test fails when what is committed differs from what this would write.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { composeSchemas, sharedFields, type AvroField, type EventSchema } from './compose.js';

type Named = { type: 'record'; name: string; doc?: string; fields: AvroField[] };

const primitives: Readonly<Record<string, string>> = { string: 'string', long: 'number', int: 'number', double: 'number', boolean: 'boolean', bytes: 'Buffer' };

/** The text of schemas/generated/events.ts. */
export function generateTypes(schemas: readonly EventSchema[], shared: ReturnType<typeof sharedFields>): string {
  const named = new Map<string, Named>();
  const envelopes = [
    interfaceOf('Envelope', 'What every event carries', shared.envelope.filter((field) => field.name !== 'type'), named, null),
    interfaceOf('FactEnvelope extends Envelope', 'What every fact carries besides', shared.factEnvelope, named, null),
  ];
  const own = (schema: EventSchema) => schema.avro.fields.filter((field) => field.name === 'type'
    || ![...shared.envelope, ...(schema.messageClass === 'fact' ? shared.factEnvelope : [])].some((other) => other.name === field.name));
  const interfaces = schemas.map((schema) =>
    interfaceOf(`${schema.name} extends ${schema.messageClass === 'fact' ? 'FactEnvelope' : 'Envelope'}`, schema.avro.doc, own(schema), named, schema.name));
  const unions = (['claim', 'fact', 'deadLetter', 'control'] as const).map((messageClass) => {
    const names = schemas.filter((schema) => schema.messageClass === messageClass).map((schema) => schema.name);
    return `export type ${unionName(messageClass)} =\n${names.map((name) => `  | ${name}`).join('\n')};\n`;
  });
  const records = [...named.values()].map((record) => interfaceOf(record.name, record.doc ?? '', record.fields, named, null));
  const classes = schemas.map((schema) => `  ${schema.name}: '${schema.messageClass}',`).join('\n');
  return [
    '// Generated from schemas/*.json by schemas/generate.ts. Do not edit.\n',
    ...envelopes, ...records, ...interfaces, ...unions,
    `export type BlackboardEvent = Claim | Fact | DeadLetterEvent | ControlEvent;\nexport type EventType = BlackboardEvent['type'];\n`,
    `export const messageClassOf = {\n${classes}\n} as const satisfies Record<EventType, string>;\n`,
  ].join('\n');
}

function unionName(messageClass: 'claim' | 'fact' | 'deadLetter' | 'control'): string {
  return { claim: 'Claim', fact: 'Fact', deadLetter: 'DeadLetterEvent', control: 'ControlEvent' }[messageClass];
}

function interfaceOf(name: string, doc: string, fields: readonly AvroField[], named: Map<string, Named>, eventType: string | null): string {
  const lines = fields.flatMap((field) => {
    const type = eventType !== null && field.name === 'type' ? `'${eventType}'` : typeOf(field.type, named);
    return [...(field.doc === undefined ? [] : [`  /** ${field.doc} */`]), `  readonly ${field.name}: ${type};`];
  });
  return `${doc === '' ? '' : `/** ${doc} */\n`}export interface ${name} {\n${lines.join('\n')}\n}\n`;
}

function typeOf(type: unknown, named: Map<string, Named>): string {
  if (typeof type === 'string') return primitives[type] ?? type;
  const record = type as { type: string; items?: unknown };
  if (record.type === 'array') return `readonly ${typeOf(record.items, named)}[]`;
  if (record.type === 'record') {
    const found = type as Named;
    if (!named.has(found.name)) {
      named.set(found.name, found);
      for (const field of found.fields) typeOf(field.type, named);
    }
    return found.name;
  }
  throw new Error(`schemas/generate.ts does not know the Avro type ${JSON.stringify(type)}`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const schemasDir = process.argv[2] ?? 'schemas';
  writeFileSync(join(schemasDir, 'generated', 'events.ts'), generateTypes(composeSchemas(schemasDir), sharedFields(schemasDir)));
}
