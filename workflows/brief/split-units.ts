// Units are what may be quoted: whole sentences at exact places. Splitting too little is safe, splitting too much is
// not (half a sentence can lose its "not"), so every doubt keeps text together: abbreviations, brackets, code spans,
// and a sentence that takes the one before it back ("However, …"). Verifier and researcher use this same function.

import type { MediaType } from './contracts.js';
import { mayTurnRound } from './negation.js';
import { isSafeText } from './safe-text.js';
import { splitBlocks } from './split-blocks.js';
import type { Block } from './split-blocks.js';

export interface Unit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** White space between the unit before it in the same block and this one, verbatim. */
  readonly gap: string;
  /** Number of the block; a quote never spans two. */
  readonly block: number;
  /** Headings above, outermost first, joined by ` › `. */
  readonly heading: string;
  /** The lead-in ("These options exist:") of the list that the unit belongs to, or empty. */
  readonly leadIn: string;
  /** False for what must not be quoted alone: questions, struck text, what a lead-in or heading may turn round. */
  readonly quotable: boolean;
}

const abbreviation = /(?:^|[\s(["'])(?:e\.g|i\.e|etc|vs|cf|approx|resp|incl|excl|no|nos|fig|sec|ch|vol|pp?|dr|mr|mrs|ms|prof|st|inc|ltd|corp|co|al|ed|eds|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|a\.k\.a|w\.r\.t|[a-z])\.$/i;
const takesBack = /^(?:["'“(*_[]*)(?:however|but|except|unless|yet|although|though|unfortunately|instead|no longer|not (?:so|any ?more|true)|on the contrary|in fact|(?:this|that|it|which|these|those|they) (?:(?:is|was|are|were|has|have|does|do|did|will|would|can|should) ?(?:not|never|no longer|been (?:removed|deprecated))|(?:is|was|are|were) (?:wrong|false|incorrect|untrue|deprecated|a (?:myth|mistake|lie)|only)|cannot|[a-z]+n['’]t)|only\b)/i;

/** Sentences of every block that is prose or a list item, in the document's order. */
export function splitUnits(text: string, mediaType: MediaType): readonly Unit[] {
  const units: Unit[] = [];
  const headings: string[] = [];
  let leadIn = '';
  let above: Block['kind'] = 'other';
  splitBlocks(text, mediaType).forEach((block, index) => {
    const content = text.slice(block.start, block.end);
    // Prose at the margin below a list or code stands for itself again; indented, it goes on with the item.
    if (block.kind === 'prose' && (above === 'item' || above === 'other') && text[block.start - 1] === '\n') leadIn = '';
    above = block.kind;
    if (block.kind === 'heading') {
      headings.length = Math.min(headings.length, Math.max(0, block.level - 1));
      headings[block.level - 1] = flatten(content);
      leadIn = '';
      return;
    }
    if (block.kind === 'other') return;
    const heading = headings.filter(Boolean).join(' › ');
    const turned = mayTurnRound(leadIn) || (block.kind === 'item' && mayTurnRound(headings.at(-1) ?? ''));
    let previousEnd = 0;
    for (const [start, end] of sentencesOf(content)) {
      const sentence = content.slice(start, end);
      const gap = content.slice(previousEnd, start);
      previousEnd = end;
      units.push({ start: block.start + start, end: block.start + end, text: sentence, gap, block: index, heading, leadIn, quotable: !turned && isQuotable(sentence) });
    }
    leadIn = nextLeadIn(leadIn, block, content);
  });
  return units;
}

/** A lead-in holds for the block below it, and for every item of the list that it opens. */
function nextLeadIn(leadIn: string, block: Block, content: string): string {
  if (/:["'*_`)]*\s*$/.test(content)) return block.kind === 'item' && mayTurnRound(leadIn) ? leadIn : flatten(content);
  return block.kind === 'item' ? leadIn : '';
}

/** Text of a quote on one line: line breaks and the marks of quoted lines become single spaces. */
export function flatten(text: string): string {
  return text.replace(/\s*\n[ \t]*(?:>[ \t]*)*/g, ' ').replace(/\s+/g, ' ').trim();
}

function isQuotable(sentence: string): boolean {
  return isSafeText(sentence) && !/~~|<\/?(?:s|del|strike)>/i.test(sentence) && !/[?:]["'”*_)`]*$/.test(sentence.trimEnd());
}

/** Places [start, end) of the sentences of one block. */
function sentencesOf(content: string): readonly (readonly [number, number])[] {
  const cuts: (readonly [number, number])[] = [];
  let start = 0;
  for (const end of boundariesOf(content)) {
    const following = content.slice(end).trimStart();
    if (following !== '' && takesBack.test(following)) continue;
    cuts.push(trimmed(content, start, end));
    start = end;
  }
  if (start < content.length) cuts.push(trimmed(content, start, content.length));
  return cuts.filter(([from, to]) => to > from);
}

function trimmed(content: string, start: number, end: number): readonly [number, number] {
  const part = content.slice(start, end);
  const lead = /^(?:\s|\n[ \t]*>)*/.exec(part)?.[0].length ?? 0;
  return [start + lead, start + Math.max(lead, part.trimEnd().length)];
}

/** Indexes after a full stop that surely ends a sentence. */
function boundariesOf(content: string): readonly number[] {
  const boundaries: number[] = [];
  const ends = /(?:[.!?]+["'”’)\]*_`]*(?=\s)|[。！？]+[」』”]*)/g;
  for (const match of content.matchAll(ends)) {
    const end = match.index + match[0].length;
    const before = content.slice(0, end);
    const after = content.slice(end).replace(/^[\s>]+/, '');
    if (after === '' || isEnclosed(before)) continue;
    if (/^[.!?]/.test(match[0]) && (!beginsSentence(after) || abbreviation.test(content.slice(0, match.index + 1)) || /\.{2,}/.test(match[0]))) continue;
    boundaries.push(end);
  }
  return boundaries;
}

function beginsSentence(after: string): boolean {
  return /^(?:["'“‘([*_]*\p{Lu}|`|["'“‘*_[]+`)/u.test(after);
}

/** True when an opened code span, bracket or double quotation mark is still open at the end. */
function isEnclosed(before: string): boolean {
  const plain = before.replace(/(`+)[^`]*?\1/g, '');
  if (plain.includes('`')) return true;
  let depth = 0;
  for (const character of plain) {
    if (character === '(' || character === '[') depth += 1;
    else if ((character === ')' || character === ']') && depth > 0) depth -= 1;
  }
  const straight = plain.split('"').length - 1;
  const curly = plain.split('“').length - plain.split('”').length;
  return depth > 0 || straight % 2 === 1 || curly > 0;
}
