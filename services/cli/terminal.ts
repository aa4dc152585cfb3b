// Where the command writes. Results go to stdout, everything else to stderr; colour only where a person looks.

import picocolors from 'picocolors';
import { forTerminal } from '../runtime/sanitize.js';

export type Colors = ReturnType<typeof picocolors.createColors>;

export interface Terminal {
  /** To stdout, as it is: text of others goes through `foreign` first. */
  out(text: string): void;
  /** To stderr. */
  err(text: string): void;
  /** Cells of a line. */
  readonly columns: number;
  readonly rows: number;
  /** Whether stdout is a terminal that can be redrawn. */
  readonly isInteractive: boolean;
  readonly isErrInteractive: boolean;
  readonly colors: Colors;
}

const columnsWithoutTerminal = 100;
const columnsMin = 40;
const columnsMax = 160;

/** @param onLost stdout takes no more: its reader (`head`, say) went away, which is EPIPE, or its disk is full. Told once; what is written afterwards is dropped. */
export function processTerminal(env: NodeJS.ProcessEnv = process.env, onLost: (error: NodeJS.ErrnoException) => void = () => undefined): Terminal {
  const { stdout, stderr } = process;
  let isLost = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isLost) return;
    isLost = true;
    onLost(error);
  });
  // Nowhere is left to say it.
  stderr.on('error', () => undefined);
  const isDumb = env['TERM'] === 'dumb';
  return {
    out: (text) => { if (!isLost) stdout.write(text); },
    err: (text) => void stderr.write(text),
    get columns() { return clampColumns(stdout.columns ?? Number(env['COLUMNS'])); },
    get rows() { return stdout.rows ?? 24; },
    isInteractive: stdout.isTTY === true && !isDumb,
    isErrInteractive: stderr.isTTY === true && !isDumb,
    colors: picocolors.createColors(mayColour(stdout.isTTY === true, env)),
  };
}

/** NO_COLOR (any value but the empty one) and TERM=dumb say no; only a terminal says yes. */
export function mayColour(isTty: boolean, env: NodeJS.ProcessEnv): boolean {
  return isTty && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

export function clampColumns(columns: number): number {
  return Number.isFinite(columns) && columns > 0 ? Math.min(Math.max(Math.floor(columns), columnsMin), columnsMax) : columnsWithoutTerminal;
}

/** Text of others on one line. Everything that a service, a document or a file says goes through here. */
export function foreign(text: string | null | undefined, maxChars = 400): string {
  return forTerminal(text ?? '', maxChars);
}

/** One line of JSON in which nothing can act on a terminal: what JSON leaves as it is, is escaped as well. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return `${text.replace(/[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/gu, escaped)}\n`;
}

function escaped(character: string): string {
  return [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}
