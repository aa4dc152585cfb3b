// Ranks the quotable sentences of a corpus against a question: BM25 by minisearch over sentence, headings and path.
// Ranking proposes, the thresholds of answerability dispose; neither ever decides that a claim is true.

import MiniSearch from 'minisearch';
import type { CorpusDocument } from './contracts.js';
import { splitUnits } from './split-units.js';
import type { Unit } from './split-units.js';
import { synonymsOf } from './terms-synonyms.js';
import { termSet, termsOf, wordsOf } from './terms.js';

export interface SourceDocument {
  readonly document: CorpusDocument;
  readonly text: string;
}

export interface Passage {
  readonly document: CorpusDocument;
  readonly unit: Unit;
  /** The sentences of the quote: the unit, and before it those that it leans on ("It also …"). */
  readonly quoted: readonly Unit[];
  /** The quote, verbatim. */
  readonly quote: string;
  readonly score: number;
}

export interface PassageIndex {
  readonly passageCount: number;
  /** How telling a term is in this corpus: high for rare terms, highest for unknown ones. */
  weightOf(term: string): number;
  /** The weight of a term that no sentence holds: the highest there is. */
  readonly unknownWeight: number;
  /** True for a word that names a group of documents, such as a package's folder: a question that says it asks about those. */
  isSubject(term: string): boolean;
  /** Best passages first. */
  search(question: string, passagesMax: number): readonly Passage[];
}

const fields = ['text', 'heading', 'path'];
const synonymBoost = 0.3;

/** Builds the index of a corpus; a few milliseconds per hundred sentences. */
export function indexPassages(documents: readonly SourceDocument[]): PassageIndex {
  const passages: Omit<Passage, 'score'>[] = [];
  const documentFrequency = new Map<string, number>();
  const subjects = subjectsOf(documents.map(({ document }) => document.id));
  const search = new MiniSearch({ fields, tokenize: (text) => [...termsOf(text)], processTerm: (term) => term });
  for (const { document, text } of documents) {
    const units = splitUnits(text, document.mediaType);
    units.forEach((unit, index) => {
      const quoted = quotedWith(units, index);
      if (quoted === null) return;
      const quote = text.slice(quoted[0]?.start ?? unit.start, unit.end);
      search.add({ id: passages.length, text: quote, heading: `${unit.heading} ${unit.leadIn}`, path: document.id });
      const passage = { document, unit, quoted, quote };
      passages.push(passage);
      for (const term of contextTermsOf(passage)) documentFrequency.set(term, (documentFrequency.get(term) ?? 0) + 1);
    });
  }
  const weightOf = (term: string): number => Math.log(1 + (passages.length - (documentFrequency.get(term) ?? 0) + 0.5) / ((documentFrequency.get(term) ?? 0) + 0.5));
  return {
    passageCount: passages.length,
    weightOf,
    unknownWeight: weightOf(''),
    isSubject: (term) => subjects.has(term),
    search: (question, passagesMax) => {
      const asked = termSet(question);
      const terms = new Set([...asked, ...[...asked].flatMap((term) => [...synonymsOf(term)])]);
      return search
        .search([...terms].join(' '), { tokenize: (text) => text.split(' '), boostTerm: (term) => (asked.has(term) ? 1 : synonymBoost), boost: { text: 1, heading: 0.8, path: 0.5 }, combineWith: 'OR' })
        .slice(0, passagesMax)
        .flatMap((hit) => {
          const passage = passages[hit.id as number];
          return passage === undefined ? [] : [{ ...passage, score: hit.score }];
        });
    },
  };
}

/** Words of the outermost part of each path in which the paths differ; a hyphenated name is one word. */
function subjectsOf(ids: readonly string[]): ReadonlySet<string> {
  const paths = ids.map((id) => id.split('/'));
  let shared = 0;
  while (paths.every((path) => shared < path.length - 1 && path[shared] === paths[0]?.[shared])) shared += 1;
  return new Set(paths.flatMap((path) => wordsOf(pathText(path[shared] ?? ''))).map(({ whole }) => whole));
}

/** Terms of a quote together with the headings, lead-in and path that say what it is about. */
export function contextTermsOf({ document, unit, quote }: Omit<Passage, 'score'>): ReadonlySet<string> {
  return termSet(`${quote}\n${unit.heading}\n${unit.leadIn}\n${pathText(document.id)}`);
}

/** Terms of the nearest heading and of the lead-in: what a sentence below them need not repeat. */
export function headTermsOf({ unit }: Omit<Passage, 'score'>): ReadonlySet<string> {
  return termSet(`${unit.heading.split(' › ').at(-1) ?? ''}\n${unit.leadIn}`);
}

/** A path as words: the ending says nothing about the subject. */
const pathText = (id: string): string => id.replace(/\.[a-z]+$/i, '').replace(/[/\\@]/g, ' ');

const leanedOnMax = 2;
const verb = 'is|are|was|were|will|would|can|could|may|might|must|should|has|have|had|does|do|did|means?|allows?|includes?|appl(?:y|ies)|happens?|works?|makes?|lets?|gives?|causes?|also|only|combines?|requires?|returns?|provides?|enables?|takes?';
// "This library can …" says what it speaks of, "This can …" does not.
const unclearStart = new RegExp(`^["'“(*_[\`]*(?:(?:this|that|these|those)[*_]* (?:${verb})|it|its|they|their|them|he|she|his|her|such|both|otherwise|then|also|additionally|therefore|thus|hence|so|if so|in (?:this|that|these|those|such))\\b`, 'iu');

/** The unit with those before it that it leans on; null where one of them may not be quoted or is in another block. */
function quotedWith(units: readonly Unit[], index: number): readonly Unit[] | null {
  const last = units[index];
  if (last === undefined || !last.quotable) return null;
  let from = index;
  while (index - from < leanedOnMax && unclearStart.test(units[from]?.text ?? '')) {
    const before = units[from - 1];
    if (before === undefined || before.block !== last.block || !before.quotable) return null;
    from -= 1;
  }
  return units.slice(from, index + 1);
}
