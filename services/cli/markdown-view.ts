// Markdown as a person reads it in a terminal: wrapped to its width, headings and quotations told apart. It is not a
// parser of Markdown: what it does not know stays as it is written. The text is foreign.

import { forTerminal } from '../runtime/sanitize.js';
import type { Terminal } from './terminal.js';
import { wrapText } from './text-layout.js';

type View = Pick<Terminal, 'columns' | 'colors'>;

const charsMax = 200_000;

/** Lines without line feeds. */
export function markdownLines(markdown: string, { columns, colors }: View, indent = 2): readonly string[] {
  const width = columns - indent;
  const margin = ' '.repeat(indent);
  const shown: string[] = [];
  let isFenced = false;
  for (const line of forTerminal(markdown, charsMax, { lines: true }).trimEnd().split('\n')) {
    if (/^(```|~~~)/.test(line)) {
      isFenced = !isFenced;
      continue;
    }
    if (isFenced) shown.push(...wrapText(line, width - 4).map((piece) => `${margin}  ${colors.dim('│')} ${piece}`));
    else shown.push(...block(line, width, colors).map((piece) => `${margin}${piece}`.trimEnd()));
  }
  return collapsed(shown);
}

function block(line: string, width: number, colors: View['colors']): readonly string[] {
  const heading = /^(#{1,6}) (.*)$/.exec(line);
  if (heading !== null) return wrapText(unescaped(heading[2] ?? ''), width).map((piece) => colors.bold(piece));
  const aside = /^_(.*)_$/.exec(line);
  if (aside !== null) return wrapText(unescaped(aside[1] ?? ''), width).map((piece) => colors.dim(piece));
  const item = /^(\s*)([-*]|\d+\.) (.*)$/.exec(line);
  if (item === null) return wrapText(inline(line), width);
  const lead = `${item[1] ?? ''}${item[2] ?? ''} `;
  return wrapText(inline(item[3] ?? ''), width - lead.length).map((piece, at) => (at === 0 ? lead : ' '.repeat(lead.length)) + piece);
}

function inline(text: string): string {
  return unescaped(text.replace(/\*\*([^*]+)\*\*/g, '$1'));
}

/** A backslash before punctuation only says that it is no markup. */
function unescaped(text: string): string {
  return text.replace(/\\([!-/:-@[-`{-~])/g, '$1');
}

/** Never two empty lines in a row. */
function collapsed(lines: readonly string[]): readonly string[] {
  return lines.filter((line, at) => line.trim() !== '' || (lines[at - 1] ?? '').trim() !== '');
}
