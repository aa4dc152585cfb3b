// What a claim may say beside its quote. Extractively: whole sentences of it, word for word. In other words (a model
// wrote it): the same negations, no number and no name that the quote does not hold, and names in the quote's order.

import { negationsOf } from './negation.js';
import { flatten } from './split-units.js';
import type { Unit } from './split-units.js';

export type ClaimFault = 'claim-not-in-quote' | 'number-not-in-quote' | 'name-not-in-quote' | 'negation-differs' | 'names-reordered';

/** True when the claim is a run of whole sentences of the quote, but for line breaks. */
export function isRunOfSentences(claim: string, sentences: readonly Unit[]): boolean {
  for (let from = 0; from < sentences.length; from += 1) {
    let run = '';
    for (let to = from; to < sentences.length; to += 1) {
      const unit = sentences[to] as Unit;
      run += (to === from ? '' : unit.gap) + unit.text;
      if (flatten(run) === claim) return true;
    }
  }
  return false;
}

const numbers = /\d+(?:[.,:/_-]\d+)*/g;
const nameWords = /`[^`]+`|\b(?:\p{Lu}[\p{L}\p{N}'’-]*|\p{Ll}+\p{Lu}[\p{L}\p{N}]*|[\p{L}\p{N}]+(?:[._/-][\p{L}\p{N}]+)+)/gu;

/** The first fault of a claim in other words than its quote, or null. Whether it follows is for a model to judge. */
export function paraphraseFault(claim: string, quote: string): ClaimFault | null {
  const numbersOfQuote = new Set(quote.match(numbers) ?? []);
  if ((claim.match(numbers) ?? []).some((number) => !numbersOfQuote.has(number))) return 'number-not-in-quote';
  if (negationsOf(claim).join(' ') !== negationsOf(quote).join(' ')) return 'negation-differs';
  const lower = ` ${flatten(quote).toLowerCase()} `;
  const places: number[] = [];
  for (const [index, word] of namesOf(claim).entries()) {
    const place = lower.indexOf(word.toLowerCase());
    // The first word of a sentence is capitalised whether it is a name or not.
    if (place < 0 && !(index === 0 && claim.startsWith(word) && /^\p{Lu}\p{Ll}*$/u.test(word))) return 'name-not-in-quote';
    if (place >= 0 && !(index === 0 && claim.startsWith(word) && /^\p{Lu}\p{Ll}*$/u.test(word) && !flatten(quote).includes(word))) places.push(place);
  }
  return places.some((place, index) => index > 0 && place < (places[index - 1] as number)) ? 'names-reordered' : null;
}

function namesOf(text: string): readonly string[] {
  return [...new Set([...text.matchAll(nameWords)].map(([word]) => word.replace(/`/g, '').replace(/['’]s$/, '')))].filter((word) => word !== '');
}
