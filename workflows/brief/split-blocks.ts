// Cuts a document into blocks (headings, paragraphs, list items, code) with exact places. Line based and total: any
// text gives blocks, and text that is no prose (code, tables, markup) is marked so that nobody quotes it.

import type { MediaType } from './contracts.js';

export interface Block {
  readonly kind: 'heading' | 'prose' | 'item' | 'other';
  /** UTF-16 index of the first character of the content, after a list or heading mark. */
  readonly start: number;
  /** UTF-16 index after the last character of the content. */
  readonly end: number;
  /** Level of a heading, 0 otherwise. */
  readonly level: number;
}

interface Line {
  readonly start: number;
  readonly text: string;
}

const fence = /^\s*(?:`{3,}|~{3,})/;
const atxHeading = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/;
const listMark = /^(?:[ \t]*(?:>[ \t]*)*)(?:[-*+•][ \t]+|\d{1,3}[.)][ \t]+)/;
const markupLine = /^\s*(?:<[!/a-z]|\|)|^\s*[|:+-]+[-|:+ ]*$|^\s*\[[^\]]+\]:\s/i;
const tableRow = /\|.*\|/;

/** Blocks of a canonical text, in order. */
export function splitBlocks(text: string, mediaType: MediaType): readonly Block[] {
  const lines = linesOf(text);
  const blocks: Block[] = [];
  let index = mediaType === 'text/markdown' ? frontMatterEnd(lines) : 0;
  while (index < lines.length) {
    const next = mediaType === 'text/markdown' ? markdownBlock(lines, index, blocks) : plainBlock(lines, index, blocks);
    index = Math.max(next, index + 1);
  }
  return blocks;
}

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const line of text.split('\n')) {
    lines.push({ start, text: line });
    start += line.length + 1;
  }
  return lines;
}

function frontMatterEnd(lines: readonly Line[]): number {
  if (lines[0]?.text.trim() !== '---') return 0;
  const close = lines.findIndex((line, index) => index > 0 && line.text.trim() === '---');
  return close < 0 || close > 60 ? 0 : close + 1;
}

const isBlank = (line: Line | undefined): boolean => line === undefined || line.text.trim() === '';

/** Adds the block that begins at `index` and returns the index of the first line after it. */
function markdownBlock(lines: readonly Line[], index: number, blocks: Block[]): number {
  const line = lines[index];
  if (line === undefined || isBlank(line)) return index + 1;
  if (fence.test(line.text)) return pushOther(lines, index, fenceEnd(lines, index), blocks);
  if (line.text.trimStart().startsWith('<!--')) return pushOther(lines, index, commentEnd(lines, index), blocks);
  const heading = atxHeading.exec(line.text);
  if (heading !== null) {
    const title = heading[2] ?? '';
    const start = line.start + line.text.indexOf(title, line.text.indexOf('#') + (heading[1]?.length ?? 1));
    blocks.push({ kind: 'heading', start, end: start + title.length, level: heading[1]?.length ?? 1 });
    return index + 1;
  }
  if (markupLine.test(line.text) || tableRow.test(line.text)) return pushOther(lines, index, untilBlank(lines, index), blocks);
  if (/^(?: {4}|\t)/.test(line.text) && !listMark.test(line.text) && !followsItem(blocks)) return pushOther(lines, index, untilBlank(lines, index), blocks);
  return proseBlock(lines, index, blocks, true);
}

function plainBlock(lines: readonly Line[], index: number, blocks: Block[]): number {
  return isBlank(lines[index]) ? index + 1 : proseBlock(lines, index, blocks, false);
}

function proseBlock(lines: readonly Line[], index: number, blocks: Block[], markdown: boolean): number {
  const first = lines[index] as Line;
  const mark = listMark.exec(first.text)?.[0] ?? /^[ \t]*(?:>[ \t]*)*/.exec(first.text)?.[0] ?? '';
  const isItem = listMark.test(first.text);
  let last = index;
  while (!isBlank(lines[last + 1]) && !beginsBlock(lines[last + 1] as Line, markdown)) last += 1;
  const underline = markdown && last >= index && /^ {0,3}(?:={2,}|-{2,})\s*$/.test(lines[last + 1]?.text ?? '');
  const end = (lines[last] as Line).start + (lines[last] as Line).text.trimEnd().length;
  const start = first.start + mark.length;
  if (start < end) blocks.push({ kind: underline ? 'heading' : isItem ? 'item' : 'prose', start, end, level: underline ? ((lines[last + 1] as Line).text.includes('=') ? 1 : 2) : 0 });
  return underline ? last + 2 : last + 1;
}

function beginsBlock(line: Line, markdown: boolean): boolean {
  if (listMark.test(line.text)) return true;
  return markdown && (fence.test(line.text) || atxHeading.test(line.text) || /^ {0,3}(?:={2,}|-{2,})\s*$/.test(line.text) || markupLine.test(line.text) || tableRow.test(line.text));
}

const followsItem = (blocks: readonly Block[]): boolean => blocks.at(-1)?.kind === 'item';

function fenceEnd(lines: readonly Line[], index: number): number {
  const open = fence.exec(lines[index]?.text ?? '')?.[0]?.trim() ?? '```';
  for (let at = index + 1; at < lines.length; at += 1) if (lines[at]?.text.trim().startsWith(open)) return at + 1;
  return lines.length;
}

function commentEnd(lines: readonly Line[], index: number): number {
  for (let at = index; at < lines.length; at += 1) if (lines[at]?.text.includes('-->')) return at + 1;
  return lines.length;
}

function untilBlank(lines: readonly Line[], index: number): number {
  let at = index;
  while (!isBlank(lines[at]) && !(at > index && atxHeading.test(lines[at]?.text ?? ''))) at += 1;
  return at;
}

function pushOther(lines: readonly Line[], from: number, to: number, blocks: Block[]): number {
  const first = lines[from] as Line;
  const last = lines[Math.max(from, to - 1)] as Line;
  if (last.start + last.text.length > first.start) blocks.push({ kind: 'other', start: first.start, end: last.start + last.text.length, level: 0 });
  return to;
}
