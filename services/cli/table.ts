// Tables that fit the terminal: columns that may go are left out from the right, then the widest give way.

import CliTable from 'cli-table3';
import { displayWidth } from './text-layout.js';
import type { Terminal } from './terminal.js';

export interface Column {
  readonly title: string;
  /** Cells below which it is not narrowed; default: the title's. */
  readonly widthMin?: number;
  readonly align?: 'left' | 'right';
  /** May be left out where the line is too short. */
  readonly isOptional?: boolean;
}

const gap = 2;
/** The library's time grows with the square of the rows that it draws together. */
const rowsAtOnce = 100;
const noLines = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' '.repeat(gap) };

/** Rows of cells (safe for a terminal, maybe coloured) below their titles; ends in a line feed. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], terminal: Pick<Terminal, 'columns' | 'colors'>, indent = 0): string {
  const fitted = fitColumns(columns, rows, terminal.columns - indent);
  const { colors } = terminal;
  const cells = [fitted.map(({ at }) => colors.dim(columns[at]?.title ?? '')), ...rows.map((row) => fitted.map(({ at }) => row[at] ?? ''))];
  const draw = (some: readonly string[][]): string => {
    const drawn = new CliTable({
      chars: noLines,
      colWidths: fitted.map(({ width }) => width),
      colAligns: fitted.map(({ at }) => columns[at]?.align ?? 'left'),
      style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    });
    drawn.push(...some);
    return drawn.toString();
  };
  const margin = ' '.repeat(indent);
  let text = '';
  for (let at = 0; at < cells.length; at += rowsAtOnce) text += draw(cells.slice(at, at + rowsAtOnce)).split('\n').map((line) => `${margin}${line.trimEnd()}\n`).join('');
  return text;
}

/** Which columns are shown, and how wide. */
export function fitColumns(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): readonly { readonly at: number; readonly width: number }[] {
  const fitted = columns.map((column, at) => ({
    at, isOptional: column.isOptional === true,
    widthMin: column.widthMin ?? displayWidth(column.title),
    width: rows.reduce((most, row) => Math.max(most, displayWidth(row[at] ?? '')), displayWidth(column.title)),
  }));
  const total = (): number => fitted.reduce((sum, column) => sum + column.width, (fitted.length - 1) * gap);
  const atLeast = (): number => fitted.reduce((sum, column) => sum + Math.min(column.width, column.widthMin), (fitted.length - 1) * gap);
  while (atLeast() > width) {
    const last = fitted.findLastIndex((column) => column.isOptional);
    if (last < 0) break;
    fitted.splice(last, 1);
  }
  while (total() > width) {
    const isTight = fitted.every((column) => slack(column) === 0);
    const widest = [...fitted].sort((a, b) => (isTight ? b.width - a.width : slack(b) - slack(a)))[0];
    if (widest === undefined || widest.width <= 1) break;
    widest.width -= 1;
  }
  return fitted.map(({ at, width: cells }) => ({ at, width: cells }));
}

/** How much a column may give: wide ones give first, none below its least. */
function slack(column: { readonly width: number; readonly widthMin: number }): number {
  return column.width > column.widthMin ? column.width : 0;
}

/** `Label   value` lines with the labels aligned. */
export function facts(pairs: readonly (readonly [label: string, value: string])[], { colors }: Pick<Terminal, 'colors'>): string {
  const width = Math.max(...pairs.map(([label]) => displayWidth(label)));
  return pairs.map(([label, value]) => `${colors.dim(label.padEnd(width))}  ${value}\n`).join('');
}
