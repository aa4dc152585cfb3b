// Values of an Avro schema, drawn from a run's dice: what a stub posts in place of an agent that is not there.

import type { Dice } from './dice.js';

type Schema = string | readonly Schema[] | { readonly type: Schema; readonly [member: string]: unknown };

const words = ['amber', 'basalt', 'cedar', 'delta', 'ember', 'fjord', 'granite', 'harbour', 'iris', 'juniper', 'krill', 'lagoon'] as const;

/** A value that fits the schema; whether it keeps the rules of a contract is another question. */
export function stubValue(avro: unknown, dice: Dice): unknown {
  return draw(avro as Schema, { dice, named: new Map(), name: '', depth: 0 });
}

interface Drawing {
  readonly dice: Dice;
  /** Named types met so far. */
  readonly named: Map<string, Schema>;
  /** The field that the value is for. */
  readonly name: string;
  readonly depth: number;
}

function draw(schema: Schema, at: Drawing): unknown {
  if (isUnion(schema)) return union(schema, at);
  const type = typeof schema === 'string' ? schema : schema.type;
  if (typeof type !== 'string') return draw(type, at);
  const known = at.named.get(type);
  return known === undefined ? drawType(type, schema, at) : draw(known, { ...at, depth: at.depth + 1 });
}

function drawType(type: string, schema: Schema, at: Drawing): unknown {
  const { dice } = at;
  const of = (typeof schema === 'object' ? schema : {}) as Readonly<Record<string, unknown>>;
  if (typeof of['name'] === 'string') at.named.set(of['name'], schema);
  const below = (inner: unknown, name = at.name): unknown => draw(inner as Schema, { ...at, name, depth: at.depth + 1 });
  switch (type) {
    case 'null': return null;
    case 'boolean': return dice.chance(0.5);
    case 'int': case 'long': return dice.between(0, dice.pick([1, 10, 1_000]));
    case 'float': case 'double': return dice.chance(0.7) ? dice.next() : dice.between(0, 1_000);
    case 'string': return text(at);
    case 'bytes': return Buffer.from(text(at));
    case 'fixed': return Buffer.alloc(of['size'] as number, dice.between(0, 255));
    case 'enum': return dice.pick(of['symbols'] as readonly string[]);
    case 'array': return Array.from({ length: at.depth > 6 ? 0 : dice.between(1, 3) }, (_, index) => numbered(below(of['items']), index));
    case 'map': return Object.fromEntries(Array.from({ length: at.depth > 6 ? 0 : dice.between(1, 3) }, (_, index) => [`${dice.pick(words)}${index}`, below(of['values'])]));
    default: return Object.fromEntries(((of['fields'] ?? []) as readonly { readonly name: string; readonly type: unknown }[]).map((field) => [field.name, below(field.type, field.name)]));
  }
}

/** Items of a list differ in their ids, as those of a plan must. */
function numbered(item: unknown, index: number): unknown {
  if (item === null || typeof item !== 'object' || typeof (item as { id?: unknown }).id !== 'string') return item;
  return { ...item, id: `i${index}` };
}

function text({ dice, name }: Drawing): string {
  if (name === 'id') return `i${dice.between(0, 999)}`;
  return Array.from({ length: dice.pick([1, 1, 3, 8]) }, () => dice.pick(words)).join(' ');
}

/** Optional values are mostly there; deep down they end. */
function union(branches: readonly Schema[], at: Drawing): unknown {
  const others = branches.filter((branch) => branch !== 'null');
  if (others.length < branches.length && (others.length === 0 || at.depth > 6 || at.dice.chance(0.2))) return null;
  return draw(at.dice.pick(others), at);
}

function isUnion(schema: Schema): schema is readonly Schema[] {
  return Array.isArray(schema);
}
