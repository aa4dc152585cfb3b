// Measures, cuts and wraps text in terminal cells. Only for text that has been through forTerminal: escape sequences
// of our own colours are known to take no room, others must not be there.

import { stripVTControlCharacters } from 'node:util';

// Two cells: East Asian wide and full width forms, and pictographs. None: marks, joiners, variation selectors.
const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1b000}-\u{1b2ff}\u{1f300}-\u{1f64f}\u{1f680}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const none = /\p{Mn}|\p{Me}|[\u200b-\u200d\ufe00-\ufe0f]/u;

export function displayWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += cells(character);
  return width;
}

/** At most `width` cells; a cut ends in `…`. For text without colours. */
export function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let shown = '';
  let used = 0;
  for (const character of text) {
    if (used + cells(character) > width - 1) break;
    shown += character;
    used += cells(character);
  }
  return width <= 0 ? '' : `${shown}…`;
}

/** Breaks at spaces, and inside of words that are longer than a line; line feeds are kept. For text without colours. */
export function wrapText(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(width, 1)));
}

function wrapLine(line: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const joined = current === '' ? word : `${current} ${word}`;
    if (displayWidth(joined) <= width) {
      current = joined;
      continue;
    }
    if (current.trim() !== '') lines.push(current);
    const pieces = broken(word, width);
    lines.push(...pieces.slice(0, -1));
    current = pieces.at(-1) ?? '';
  }
  return [...lines, current];
}

function broken(word: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const character of word) {
    if (piece !== '' && displayWidth(piece) + cells(character) > width) {
      pieces.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...pieces, piece];
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

function cells(character: string): number {
  return none.test(character) ? 0 : wide.test(character) ? 2 : 1;
}
