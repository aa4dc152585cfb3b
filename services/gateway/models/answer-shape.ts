// The caller's JSON Schema, checked before a model is paid, and then used on the answer. The agent validates again
// with its own zod shape; what is left out here is only what could hurt the gateway.

import { z } from 'zod';
import { BlackboardError } from '../../runtime/errors.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface AnswerShape {
  /** The schema as it is sent to the endpoint. */
  readonly schema: JsonObject;
  /** The rule that `value` breaks (`too_small`, `invalid_type` …) or `''`. Keys that an object inherits do not count. */
  broken(value: unknown): string;
}

const schemaCharsMax = 65_536;

/** @throws BlackboardError INPUT_INVALID for a schema that is too large, not of an object, or not understood. */
export function answerShape(schema: unknown): AnswerShape {
  const refuse = (rule: string): BlackboardError => new BlackboardError('INPUT_INVALID', `the shape of a model's answer is refused: ${rule}. Send the JSON Schema of one object, as z.toJSONSchema gives it.`, { field: 'shape', rule });
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) throw refuse('it is not a JSON Schema object');
  if (JSON.stringify(schema).length > schemaCharsMax) throw refuse(`it has more than ${schemaCharsMax} characters`);
  if ((schema as JsonObject)['type'] !== 'object') throw refuse('its type is not object');
  const { $schema: _dialect, ...sent } = schema as Record<string, unknown>;
  let checker: z.ZodType;
  try {
    checker = z.fromJSONSchema(withoutPatterns(sent) as Parameters<typeof z.fromJSONSchema>[0]);
  } catch {
    throw refuse('it uses a keyword or a reference that is not supported');
  }
  return {
    schema: sent,
    broken: (value) => (isObject(value) ? checker.safeParse(bare(value)).error?.issues[0]?.code ?? '' : 'invalid_type'),
  };
}

/** A caller's regular expression could run for ever on a hostile answer, so patterns are left to the caller. */
function withoutPatterns(node: unknown, isMap = false): unknown {
  if (Array.isArray(node)) return node.map((item) => withoutPatterns(item));
  if (!isObject(node)) return node;
  const kept = Object.entries(node).filter(([key]) => isMap || (key !== 'pattern' && key !== 'patternProperties'));
  return Object.fromEntries(kept.map(([key, value]) => {
    if (!isMap && (key === 'enum' || key === 'const' || key === 'default')) return [key, value];
    return [key, withoutPatterns(value, !isMap && (key === 'properties' || key === '$defs' || key === 'definitions'))];
  }));
}

/** A copy whose objects inherit nothing, so that a required `toString` is not found on a prototype. Depth is bounded by the parser. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (!isObject(value)) return value;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, inner] of Object.entries(value)) copy[key] = bare(inner);
  return copy;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
