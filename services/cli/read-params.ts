// Parameters of a job, from `--param` and `--params`. What is wrong with them is said before anything is sent.

import { readFile } from 'node:fs/promises';
import { parseStrictJson, parseStrictJsonText } from '../runtime/strict-json.js';
import { CliError } from './exit-codes.js';
import { foreign } from './terminal.js';

/** `k=v` is text, `k:=json` a JSON value. @throws CliError usage */
export function readParam(text: string): readonly [name: string, value: unknown] {
  const match = /^([A-Za-z_][\w.-]{0,63})(:?=)(.*)$/s.exec(text);
  if (match === null) throw new CliError('usage', '--param takes name=text or name:=json', 'For example --param question="What is X?" --param maxAgeMs:=86400000');
  const [, name = '', sign, value = ''] = match;
  if (sign === '=') return [name, value];
  const parsed = parseStrictJsonText(value);
  if (!parsed.ok) throw new CliError('usage', `--param ${name}:= is not JSON: ${parsed.message}`, `For text write ${name}=… without the colon.`);
  return [name, parsed.value];
}

/** An object from a JSON file, or from stdin for `-`. @throws CliError usage, notFound */
export async function readParamsFile(path: string, readStdin: () => Promise<Buffer>): Promise<Readonly<Record<string, unknown>>> {
  const bytes = path === '-' ? await readStdin() : await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new CliError('notFound', `--params: ${foreign(path)} cannot be read (${error.code ?? 'error'})`, 'Name a JSON file, or - for stdin.');
  });
  const parsed = parseStrictJson(bytes);
  if (!parsed.ok) throw new CliError('usage', `--params: ${parsed.message}${parsed.path === undefined ? '' : ` at ${foreign(parsed.path)}`}`, 'It must be one JSON object.');
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value)) throw new CliError('usage', '--params: it must be one JSON object', 'For example {"question": "What is X?"}');
  return parsed.value as Readonly<Record<string, unknown>>;
}

/** `90s`, `10m`, `2h`, `1d` or `500ms` in milliseconds. @throws CliError usage */
export function readDuration(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ''];
  if (match === null || factor === undefined) throw new CliError('usage', 'a duration is a number with its unit: 500ms, 90s, 10m, 2h or 1d');
  return Number(match[1]) * factor;
}

/** A whole number within bounds. @throws CliError usage */
export function readNumber(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) throw new CliError('usage', `${name} is a whole number from ${min} to ${max}`);
    return value;
  };
}
