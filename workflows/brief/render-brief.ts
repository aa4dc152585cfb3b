// brief.md: what was found, each sentence with its citation, then the verbatim quotes with document and position, then
// what could not be verified. Text of documents is neutralised for Markdown: it can neither load an image, nor link,
// nor break out of its quotation.

import type { Brief, BriefSource } from './contracts.js';

// A research step that failed leaves as little behind as one that found nothing: none of them may say what documents hold.
const explanations: Readonly<Record<Brief['unverified'][number]['reason'], string>> = {
  'no-documents': 'there was no readable document',
  'no-passage': 'nothing that answers it was found and verified',
  'passages-refused': 'passages were proposed, and none of them passed verification',
  'support-refused': 'passages were found, and the review did not accept what was said of them',
};

/** Renders an accepted brief; it holds all that it says. */
export function renderBrief(brief: Brief): string {
  const numberOf = new Map(brief.sources.map((source, index) => [source.finding, index + 1]));
  const lines = [`# ${proseOf(brief.question)}`, '', `_${summaryOf(brief)}_`, ''];
  const headed = brief.subQuestions.length > 1;
  for (const item of brief.subQuestions) {
    const own = brief.sentences.filter((sentence) => sentence.subQuestion === item.id);
    if (own.length === 0) continue;
    if (headed) lines.push(`## ${proseOf(item.question)}`, '');
    for (const sentence of own) lines.push(`${proseOf(sentence.text)} ${sentence.citations.map((hash) => `[${numberOf.get(hash) ?? '?'}]`).join('')}`, '');
  }
  if (brief.sentences.length === 0) lines.push('**Cannot verify.** Nothing that answers this question was found and verified.', '');
  if (brief.unverified.length > 0) {
    lines.push('## Could not be verified', '');
    for (const entry of brief.unverified) lines.push(`- ${proseOf(entry.question)} — ${explanations[entry.reason]} (\`${entry.reason}\`)`);
    lines.push('');
  }
  if (brief.sources.length > 0) lines.push('## Sources', '');
  for (const source of brief.sources) lines.push(...sourceLines(numberOf.get(source.finding) ?? 0, source));
  return `${lines.join('\n').trimEnd()}\n`;
}

function summaryOf(brief: Brief): string {
  const how = brief.mode === 'extractive' ? 'Extractive: every sentence below is taken word for word from a document; no language model was used.' : 'Written by a language model from verified quotes; each sentence was reviewed against the quotes it cites.';
  const open = brief.unverified.length;
  return `${how} ${count(brief.sentences.length, 'sentence')}, ${count(brief.sources.length, 'verified quote')}, ${open} of ${count(brief.subQuestions.length, 'sub-question')} not verified.`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

function sourceLines(number: number, finding: BriefSource): readonly string[] {
  const longest = Math.max(2, ...(finding.quote.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const place = `position ${finding.position}–${finding.position + finding.quote.length}`;
  return [`**[${number}]** \`${finding.documentId.replace(/`/g, "'")}\`, ${place}, SHA-256 \`${finding.documentHash.slice(0, 16)}…\``, '', `${fence}text`, finding.quote, fence, ''];
}

/** Prose that is safe inside Markdown: links become their text, raw HTML and images lose their effect. */
function proseOf(text: string): string {
  return text
    .replace(linkOrCode, (whole, code: string | undefined, label: string | undefined) => code ?? label ?? whole)
    .split(/(`+[^`]+`+)/)
    .map((part, index) => (index % 2 === 1 ? part : neutralOf(part)))
    .join('')
    .replace(/^\s*([#>+-]|\d+[.)])(?=\s)/, '\\$1');
}

/** A code span, which stays, or a link or picture, of which the label stays; a label may hold code. */
const linkOrCode = /(`+[^`]+`+)|!?\[((?:`[^`]*`|[^\][`])*)\](?:\([^)]*\)|\[[^\]]*\])/g;

function neutralOf(part: string): string {
  return part.replace(/[<[\]]/g, '\\$&').replace(/\b(https?):\/\//gi, '$1:&#8203;//');
}
