// brief.md: what was found, each sentence with its citation, then the verbatim quotes with document and position, then
// what could not be verified. Text of documents is neutralised for Markdown: it can neither load an image, nor link,
// nor break out of its quotation.

import type { Brief, Finding, Plan } from './contracts.js';
import type { CitedFinding } from './compose-brief.js';

const explanations: Readonly<Record<Brief['unverified'][number]['reason'], string>> = {
  'no-documents': 'there was no readable document',
  'no-passage': 'no passage of the documents answers it',
  'passages-refused': 'passages were proposed, and none of them passed verification',
  'support-refused': 'passages were found, and the review did not accept what was said of them',
};

/** Renders an accepted brief. `findings` are the verified findings it cites; `corpusSize` counts the documents read. */
export function renderBrief(brief: Brief, plan: Plan, findings: readonly CitedFinding[], corpusSize: number): string {
  const byHash = new Map(findings.map(({ hash, finding }) => [hash, finding]));
  const cited = [...new Set(brief.sentences.flatMap((sentence) => sentence.citations))].filter((hash) => byHash.has(hash));
  const numberOf = new Map(cited.map((hash, index) => [hash, index + 1]));
  const lines = [`# ${proseOf(brief.question)}`, '', `_${summaryOf(brief, cited.length, corpusSize)}_`, ''];
  const headed = plan.items.length > 1;
  for (const item of plan.items) {
    const own = brief.sentences.filter((sentence) => sentence.subQuestion === item.id);
    if (own.length === 0) continue;
    if (headed) lines.push(`## ${proseOf(item.question)}`, '');
    for (const sentence of own) lines.push(`${proseOf(sentence.text)} ${sentence.citations.map((hash) => `[${numberOf.get(hash) ?? '?'}]`).join('')}`, '');
  }
  if (brief.sentences.length === 0) lines.push('**Cannot verify.** The documents do not answer this question.', '');
  if (brief.unverified.length > 0) {
    lines.push('## Could not be verified', '');
    for (const entry of brief.unverified) lines.push(`- ${proseOf(entry.question)} — ${explanations[entry.reason]} (\`${entry.reason}\`)`);
    lines.push('');
  }
  if (cited.length > 0) lines.push('## Sources', '');
  for (const hash of cited) lines.push(...sourceOf(numberOf.get(hash) ?? 0, byHash.get(hash) as Finding));
  return `${lines.join('\n').trimEnd()}\n`;
}

function summaryOf(brief: Brief, citedCount: number, corpusSize: number): string {
  const how = brief.mode === 'extractive' ? 'Extractive: every sentence below is taken word for word from a document; no language model was used.' : 'Written by a language model from verified quotes; each sentence was reviewed against the quotes it cites.';
  return `${how} ${count(brief.sentences.length, 'sentence')}, ${count(citedCount, 'verified quote')}, ${count(corpusSize, 'document')} read, ${brief.unverified.length} of the sub-questions not verified.`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

function sourceOf(number: number, finding: Finding): readonly string[] {
  const longest = Math.max(2, ...(finding.quote.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const place = `position ${finding.position}–${finding.position + finding.quote.length}`;
  return [`**[${number}]** \`${finding.documentId.replace(/`/g, "'")}\`, ${place}, SHA-256 \`${finding.documentHash.slice(0, 16)}…\``, '', `${fence}text`, finding.quote, fence, ''];
}

/** Prose that is safe inside Markdown: links become their text, raw HTML and images lose their effect. */
function proseOf(text: string): string {
  return text
    .split(/(`+[^`]+`+)/)
    .map((part, index) => (index % 2 === 1 ? part : neutralOf(part)))
    .join('')
    .replace(/^\s*([#>+-]|\d+[.)])(?=\s)/, '\\$1');
}

function neutralOf(part: string): string {
  return part
    .replace(/!\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/[<[\]]/g, '\\$&')
    .replace(/\b(https?):\/\//gi, '$1:&#8203;//');
}
