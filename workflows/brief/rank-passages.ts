// Ranks the quotable sentences of a corpus against a question: BM25 by minisearch over sentence, headings and path.
// Ranking proposes, the thresholds of answerability dispose; neither ever decides that a claim is true.

import MiniSearch from 'minisearch';
import type { CorpusDocument } from './contracts.js';
import { splitUnits } from './split-units.js';
import type { Unit } from './split-units.js';
import { termSet, termsOf } from './terms.js';

export interface SourceDocument {
  readonly document: CorpusDocument;
  readonly text: string;
}

export interface Passage {
  readonly document: CorpusDocument;
  readonly unit: Unit;
  /** The units of the whole document, so that a passage can grow inside its block. */
  readonly units: readonly Unit[];
  readonly index: number;
  readonly score: number;
}

export interface PassageIndex {
  readonly passageCount: number;
  /** How telling a term is in this corpus: high for rare terms, highest for unknown ones. */
  weightOf(term: string): number;
  /** True when some sentence, heading or path of the corpus holds the term. */
  knows(term: string): boolean;
  /** Best passages first. */
  search(question: string, passagesMax: number): readonly Passage[];
}

const fields = ['text', 'heading', 'path'];

/** Builds the index of a corpus; a few milliseconds per hundred sentences. */
export function indexPassages(documents: readonly SourceDocument[]): PassageIndex {
  const passages: Omit<Passage, 'score'>[] = [];
  const documentFrequency = new Map<string, number>();
  const search = new MiniSearch({ fields, tokenize: (text) => [...termsOf(text)], processTerm: (term) => term });
  for (const { document, text } of documents) {
    const units = splitUnits(text, document.mediaType);
    units.forEach((unit, index) => {
      if (!unit.quotable) return;
      search.add({ id: passages.length, text: unit.text, heading: `${unit.heading} ${unit.leadIn}`, path: document.id });
      passages.push({ document, unit, units, index });
      for (const term of contextTermsOf(document.id, unit)) documentFrequency.set(term, (documentFrequency.get(term) ?? 0) + 1);
    });
  }
  const weightOf = (term: string): number => Math.log(1 + (passages.length - (documentFrequency.get(term) ?? 0) + 0.5) / ((documentFrequency.get(term) ?? 0) + 0.5));
  return {
    passageCount: passages.length,
    weightOf,
    knows: (term) => documentFrequency.has(term),
    search: (question, passagesMax) =>
      search
        .search(question, { boost: { text: 1, heading: 0.8, path: 0.5 }, combineWith: 'OR' })
        .slice(0, passagesMax)
        .flatMap((hit) => {
          const passage = passages[hit.id as number];
          return passage === undefined ? [] : [{ ...passage, score: hit.score }];
        }),
  };
}

/** Terms of a sentence together with the headings, lead-in and path that say what it is about. */
export function contextTermsOf(documentId: string, unit: Unit): ReadonlySet<string> {
  return termSet(`${unit.text}\n${unit.heading}\n${unit.leadIn}\n${documentId.replace(/[/\\]/g, ' ')}`);
}
