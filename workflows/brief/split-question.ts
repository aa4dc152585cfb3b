import type { Plan } from './contracts.js';
import { limits } from './limits.js';
import { flatten } from './split-units.js';

const questionWords = 'how|what|which|when|why|where|who|whose|does|do|did|is|are|was|were|can|could|should|must|will|may';
const joints = new RegExp(`\\s*;\\s+|,?\\s+(?:and|or|but|also)\\s+(?=(?:(?:in|on|at|by|for|with|from|under|after|before)\\s+)?(?:${questionWords})\\b)|,\\s+(?=(?:how|what|why|does|do|can|should|must|will)\\s)|(?<=\\?)\\s+`, 'giu');
const pronoun = /\b(?:it|its|they|them|their|theirs|this|that|these|those)\b/iu;
const name = /`[^`]+`|@[\w-]+\/[\w-]+|\b(?:\p{Lu}[\p{L}\p{N}]*|\p{Ll}+\p{Lu}[\p{L}\p{N}]*|[\p{L}\p{N}]+(?:[._-][\p{L}\p{N}]+)+)\b/gu;

/**
 * Splits a question into sub-questions at its joints ("…, and what …", ";", "?"), without a model. A part that speaks
 * of "it" or "they" is given the names of the part before it. More parts than the limit stay joined in the last one.
 */
export function splitQuestion(question: string): Plan {
  const whole = flatten(question).slice(0, limits.questionCharactersMax);
  const parts = whole
    .split(joints)
    .map((part) => part.replace(/^(?:and|or|but|also)\s+/i, '').trim())
    .filter((part) => /\p{L}|\p{N}/u.test(part));
  const kept = parts.length > limits.itemsMax ? [...parts.slice(0, limits.itemsMax - 1), parts.slice(limits.itemsMax - 1).join(' ')] : parts;
  let subject = '';
  const items = (kept.length === 0 ? [whole] : kept).map((part, index) => {
    const names = namesOf(part, index > 0 || kept.length > 1);
    const carried = index > 0 && pronoun.test(part) && subject !== '' ? `${part.replace(/\?+$/, '')} (${subject})?` : part;
    if (names !== '') subject = names;
    const ended = kept.length > 1 && /\?$/.test(whole) && !/[?.!]$/.test(carried) ? `${carried}?` : carried;
    const asked = ended.length > limits.questionCharactersMax ? part : ended;
    return { id: `q${index + 1}`, question: asked.charAt(0).toUpperCase() + asked.slice(1) };
  });
  return { question: whole, items };
}

function namesOf(part: string, skipFirst: boolean): string {
  const from = skipFirst ? (/^\S+\s*/.exec(part)?.[0].length ?? 0) : 0;
  return [...new Set([...part.slice(from).matchAll(name)].map(([word]) => word))].slice(0, 4).join(', ');
}
