// Environment → zod → frozen object. Every problem is reported at once with the variable's name, the shape it must
// have and its unit; values are never shown, since a secret may stand in the wrong variable. An empty variable
// counts as not set (compose files pass them so). The same schema generates `.env.example`.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { counted } from './counted.js';
import { BlackboardError } from './errors.js';
import { Secret } from './secret.js';

declare module 'zod' {
  interface GlobalMeta {
    /** Unit of a value, e.g. `ms`, `bytes`. */
    unit?: string;
    /** The shape a value must have, for people. */
    shape?: string;
    /** True for values that are never shown and that may come from the file named by `<NAME>_FILE`. */
    secret?: boolean;
    /** The variable's name where it does not follow from the key. */
    env?: string;
  }
}

export interface ConfigOptions {
  /** Put before names that follow from keys: `port` with `BLACKBOARD_` is `BLACKBOARD_PORT`. */
  readonly prefix?: string;
}

export interface ConfigProblem {
  readonly name: string;
  readonly problem: string;
  readonly expected: string;
  readonly unit: string;
}

export interface ConfigRow {
  readonly name: string;
  readonly required: boolean;
  /** As it would be written in the environment; empty when there is none. */
  readonly default: string;
  readonly meaning: string;
  readonly unit: string;
  readonly shape: string;
  readonly secret: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables that `schema` names: the key `maxBytes` is `MAX_BYTES` after the prefix, a key that is upper
 * case already stands as it is. The result is frozen through plain objects and arrays.
 * @throws BlackboardError CONFIG_INVALID with all problems in its message and in `details.problems`.
 */
export function readConfig<S extends z.ZodObject>(schema: S, env: Environment, options: ConfigOptions = {}): Readonly<z.output<S>> {
  const rows = new Map(Object.keys(schema.shape).map((key) => [key, rowOf(key, schema, options)]));
  const problems: ConfigProblem[] = [];
  const input: Record<string, string> = {};
  for (const [key, row] of rows) {
    const found = lookUp(row, env);
    if (typeof found === 'string') input[key] = found;
    else if (found !== null) problems.push(found);
  }
  const parsed = schema.safeParse(input);
  const unreadable = new Set(problems.map((problem) => problem.name));
  for (const issue of parsed.error?.issues ?? []) {
    const row = rows.get(String(issue.path[0]));
    if (row === undefined) problems.push({ name: '(all)', problem: issue.message, expected: '', unit: '' });
    else if (!unreadable.has(row.name)) problems.push(problemOf(row, issue, Object.hasOwn(input, String(issue.path[0]))));
  }
  if (!parsed.success || problems.length > 0) throw invalid(problems);
  return deepFreeze(parsed.data);
}

/** One row per variable of `schema`, in its order: what `.env.example` and the documentation are made from. */
export function describeConfig(schema: z.ZodObject, options: ConfigOptions = {}): readonly ConfigRow[] {
  return Object.keys(schema.shape).map((key) => rowOf(key, schema, options));
}

/** Rows as the text of an `.env` file: required variables open, optional ones commented out with their default. */
export function envExample(rows: readonly ConfigRow[]): string {
  return rows.map((row) => {
    const facts = [row.shape, row.unit && `in ${row.unit}`, row.required ? 'required' : '', row.secret ? `or ${row.name}_FILE` : ''].filter(Boolean).join('; ');
    return `# ${row.meaning}${facts === '' ? '' : ` (${facts})`}\n${row.required ? '' : '# '}${row.name}=${row.default}\n`;
  }).join('\n');
}

/** A duration with its unit, read into whole milliseconds. A bare number is refused: its unit would be a guess. */
export function durationMs() {
  return quantity({ ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }, 'a duration such as 500ms, 30s, 5m, 1h or 7d').meta({ shape: 'a duration such as 500ms, 30s, 5m, 1h or 7d', unit: 'ms' });
}

/** A size with its unit (powers of 1024), read into bytes. */
export function bytes() {
  return quantity({ B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }, 'a size such as 512B, 64KiB, 16MiB or 2GiB').meta({ shape: 'a size such as 512B, 64KiB, 16MiB or 2GiB', unit: 'bytes' });
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number) {
  const shape = `a whole number from ${min} to ${max}`;
  return z.string().regex(/^-?\d{1,15}$/, shape).transform(Number).refine((value) => value >= min && value <= max, shape).meta({ shape });
}

/** Comma-separated, spaces around items dropped; at least one item. */
export function list() {
  const shape = 'a list, comma-separated, at least one item';
  return z.string().transform((text) => text.split(',').map((item) => item.trim())).refine((items) => items.every((item) => item !== ''), shape).meta({ shape });
}

/** `true` or `false`, `1` or `0`. */
export function flag() {
  return z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1').meta({ shape: 'true or false' });
}

/** A value that is never shown; `<NAME>_FILE` may name a file that holds it. */
export function secret() {
  return z.string().transform((text) => new Secret(text)).meta({ secret: true, shape: 'a secret' });
}

/** An http or https address without credentials in it. */
export function httpUrl() {
  const shape = 'an http or https URL without user or password in it';
  return z.string().refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  }, shape).meta({ shape });
}

/** A listener that this process opens or connects to, as far as its safety matters. */
export interface Listener {
  /** The variable that sets it, e.g. `KAFKA_BROKERS`. */
  readonly name: string;
  readonly authenticated: boolean;
}

/**
 * The production profile talks to no listener that lets anyone in.
 * @throws BlackboardError INSECURE_IN_PRODUCTION naming all such listeners at once.
 */
export function refuseInsecureInProduction(settings: { readonly profile: string; readonly listeners: readonly Listener[] }): void {
  if (settings.profile !== 'production') return;
  const open = settings.listeners.filter((listener) => !listener.authenticated).map((listener) => listener.name);
  if (open.length === 0) return;
  throw new BlackboardError('INSECURE_IN_PRODUCTION', `the production profile does not start with a listener that asks for no authentication: ${open.join(', ')}. `
    + 'Anyone who reaches it could write facts or read every tenant. Configure credentials for each, or leave the production profile.', { listeners: open });
}

function quantity(units: Readonly<Record<string, number>>, shape: string) {
  return z.string().transform((text, context) => {
    const match = /^(\d{1,12})([A-Za-z]+)$/.exec(text);
    const factor = Object.hasOwn(units, match?.[2] ?? '') ? units[match?.[2] ?? ''] : undefined;
    const value = Number(match?.[1]) * (factor ?? NaN);
    if (Number.isSafeInteger(value)) return value;
    context.addIssue({ code: 'custom', message: shape });
    return z.NEVER;
  });
}

function lookUp(row: ConfigRow, env: Environment): string | ConfigProblem | null {
  const direct = env[row.name] === '' ? undefined : env[row.name];
  const fileVariable = `${row.name}_FILE`;
  const file = row.secret ? env[fileVariable] ?? '' : '';
  const problem = (text: string): ConfigProblem => ({ name: row.name, problem: text, expected: row.shape, unit: row.unit });
  if (file === '') return direct ?? null;
  if (direct !== undefined) return problem(`is set twice, here and through ${fileVariable}; keep one`);
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    return text === '' ? problem(`${fileVariable} names an empty file`) : text;
  } catch (error) {
    return problem(`${fileVariable} names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
}

function problemOf(row: ConfigRow, issue: z.core.$ZodIssue, isSet: boolean): ConfigProblem {
  const problem = !isSet ? `is required and not set${row.secret ? `, nor is ${row.name}_FILE` : ''}` : row.secret || issue.message === row.shape ? 'has another shape' : issue.message;
  return { name: row.name, problem, expected: row.shape, unit: row.unit };
}

function invalid(problems: readonly ConfigProblem[]): BlackboardError {
  const lines = problems.map(({ name, problem, expected, unit }) => {
    const wants = expected === '' || problem === expected ? '' : `; expected ${expected}`;
    return `  ${name}: ${problem}${wants}${unit === '' ? '' : ` [${unit}]`}`;
  });
  const count = counted(problems.length, 'problem');
  return new BlackboardError('CONFIG_INVALID', `the configuration has ${count}; nothing was started. Set these variables and start again:\n${lines.join('\n')}`, { problems });
}

function rowOf(key: string, schema: z.ZodObject, options: ConfigOptions): ConfigRow {
  const field = schema.shape[key] as z.ZodType;
  const meta = metaOf(field);
  const fallback = field.safeParse(undefined);
  return {
    name: meta.env ?? (/^[A-Z][A-Z0-9_]*$/.test(key) ? key : `${options.prefix ?? ''}${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`),
    required: !fallback.success,
    default: fallback.success ? written(fallback.data, meta.unit ?? '') : '',
    meaning: meta.description ?? '',
    unit: meta.unit ?? '',
    shape: meta.shape ?? shapeOf(field),
    secret: meta.secret ?? false,
  };
}

/** What is said of a field: the outermost wrapper (default, optional) speaks first, then what it wraps. */
function metaOf(field: z.ZodType): z.GlobalMeta {
  const inner = (field.def as { innerType?: z.ZodType }).innerType;
  return { ...(inner === undefined ? {} : metaOf(inner)), ...field.meta() };
}

function shapeOf(field: z.ZodType): string {
  const inner = (field.def as { innerType?: z.ZodType }).innerType;
  if (inner !== undefined) return shapeOf(inner);
  if (field instanceof z.ZodEnum) return `one of ${field.options.join(', ')}`;
  return field instanceof z.ZodString ? 'text' : '';
}

/** A default as a person would write it, so that the example file can be read back by the same schema. */
function written(value: unknown, unit: string): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value !== 'number' || unit === '') return String(value);
  const steps: readonly (readonly [number, string])[] = unit === 'bytes'
    ? [[1024 ** 3, 'GiB'], [1024 ** 2, 'MiB'], [1024, 'KiB'], [1, 'B']]
    : [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'm'], [1000, 's'], [1, 'ms']];
  if (unit !== 'bytes' && unit !== 'ms') return String(value);
  const [size, suffix] = steps.find(([step]) => value >= step && value % step === 0) ?? [1, unit === 'bytes' ? 'B' : 'ms'];
  return `${value / size}${suffix}`;
}

function deepFreeze<T>(value: T): T {
  const isPlain = Array.isArray(value) || (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);
  if (isPlain) for (const inner of Object.values(value as object)) deepFreeze(inner);
  return isPlain ? Object.freeze(value) : value;
}
