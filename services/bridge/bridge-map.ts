// What a bridge does, as data: which topic, and how a record of it becomes a submission. All problems of a file are
// reported at once.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { counted } from '../runtime/counted.js';
import { BlackboardError } from '../runtime/errors.js';
import { parseStrictJson } from '../runtime/strict-json.js';

export const valueTypes = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'any'] as const;

const pointer = z.string().max(512).regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'a JSON pointer (RFC 6901), such as /customer/id');
const fromRecord = z.strictObject({
  from: pointer.describe('JSON pointer into the record'),
  type: z.enum(valueTypes).default('any'),
  optional: z.boolean().default(false).describe('Left out of the submission where the record lacks it or has null'),
});
const constantOf = <T extends z.ZodType>(value: T) => z.strictObject({ constant: value });
const field = <T extends z.ZodType>(value: T) => z.union([fromRecord, constantOf(value)], { error: 'either {"from": a JSON pointer, "type"?, "optional"?} or {"constant": a value}' });

export const bridgeMapSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'lower-case letters, digits and dashes, at most 32').describe('Begins the idempotency keys that the bridge makes (a business key stays as it is): choose another one when the source topic was made again'),
  source: z.strictObject({
    topic: z.string().regex(/^[\w.-]{1,180}$/, 'a topic name of at most 180 characters'),
    group: z.string().regex(/^[\w.-]{1,200}$/, 'a group name').optional().describe('Default: of the bridge, by prefix and name'),
    format: z.enum(['json', 'avro']),
    from: z.enum(['earliest', 'latest']).default('earliest').describe('Where a group without a stored position begins'),
  }),
  tenant: z.string().min(1).max(128).regex(/^[^\p{Cc}\p{Cf}\p{Cs}]*$/u, 'no control characters'),
  workflow: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'lower-case letters, digits and dashes'),
  params: z.record(z.string().regex(/^[A-Za-z][\w-]{0,63}$/, 'a name of letters, digits, _ and -').refine((name) => name !== 'constructor', 'another name'), field(z.json())),
  idempotencyKey: fromRecord.omit({ type: true, optional: true }).optional().describe('A business key (text or a whole number); default: place of the record in its topic'),
  goal: field(z.string().max(4000)).optional(),
  deadlineMs: field(z.int().min(1).max(30 * 86_400_000)).optional(),
  costCapMicros: field(z.int().min(0).max(1e15)).optional(),
});

export type BridgeMap = Readonly<z.output<typeof bridgeMapSchema>>;
export type FieldMap = BridgeMap['params'][string];

/** @throws BlackboardError CONFIG_INVALID with every problem of the file: field and rule. */
export function readBridgeMap(path: string): BridgeMap {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw invalid(path, [`(file): cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`]);
  }
  const json = parseStrictJson(bytes);
  if (!json.ok) throw invalid(path, [`${json.path ?? '(file)'}: ${json.message}`]);
  const parsed = bridgeMapSchema.safeParse(json.value, { error: (issue) => (issue.input === undefined ? 'is required and missing' : undefined) });
  if (parsed.success) return parsed.data;
  throw invalid(path, parsed.error.issues.map((issue) => `${issue.path.length === 0 ? '(file)' : issue.path.join('.')}: ${issue.message}`));
}

function invalid(path: string, problems: readonly string[]): BlackboardError {
  return new BlackboardError('CONFIG_INVALID', `the bridge's map ${path} has ${counted(problems.length, 'problem')}; nothing was started. Correct these fields and start again:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, { path, problems });
}
