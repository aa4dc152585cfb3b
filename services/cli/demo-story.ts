// How the demo tells what happened: one section after the other, each at most as wide as the terminal.

import type { AuditEvent } from './audit-event.js';
import { auditText } from './audit-view.js';
import { boardText } from './board-view.js';
import type { Artifact } from './job-views.js';
import { markdownLines } from './markdown-view.js';
import { foreign, type Terminal } from './terminal.js';
import { clip, wrapText } from './text-layout.js';

type View = Pick<Terminal, 'columns' | 'colors'>;

export function heading(title: string, aside: string, { columns, colors }: View): string {
  const said = clip(aside, columns - title.length - 4);
  const rule = '─'.repeat(Math.max(2, columns - title.length - said.length - 4));
  return `\n${colors.bold(colors.cyan(title))} ${colors.dim(`${said} ${rule}`)}\n`;
}

/** A label and its value, which wraps beside it; below it where the label leaves too little room. */
export function labelled(label: string, value: string, { columns, colors }: View, lead = 11): string {
  const isNarrow = columns - lead - 2 < 28;
  const lines = wrapText(foreign(value, 2000), isNarrow ? columns - 4 : columns - lead - 2);
  if (isNarrow) return `  ${label}\n${lines.map((line) => `    ${colors.dim(line)}\n`).join('')}`;
  // What can be typed stands out; what only names a value does not.
  const tone = lead > 11 ? colors.bold : colors.dim;
  return lines.map((line, at) => `  ${tone((at === 0 ? label : '').padEnd(lead))}${line}\n`).join('');
}

/** All of the brief, and of its sources the first so many lines. */
export function briefSection(markdown: string, view: View, sourceLinesMax: number): string {
  const [answer = '', sources = ''] = markdown.split(/^(?=## Sources$)/m);
  const quotes = markdownLines(sources, view);
  const more = quotes.length - sourceLinesMax;
  const lines = [...markdownLines(answer, view), ...(quotes.length > 0 ? ['', ...quotes.slice(0, sourceLinesMax)] : [])];
  return heading('BRIEF', 'every sentence cites a verified quote', view) + lines.map((line) => `${line}\n`).join('') + (more > 0 ? `  ${view.colors.dim(`… ${more} more lines of sources`)}\n` : '');
}

export function boardSection(artifacts: readonly Artifact[], view: View, rowsMax: number): string {
  // What was refused and for different reasons says most: one of each first.
  const seen = new Set<string>();
  const rank = (artifact: Artifact): number => {
    if (artifact.namespace === 'verified') return 0;
    const isNew = !seen.has(artifact.reason ?? '');
    seen.add(artifact.reason ?? '');
    return isNew ? 0 : 1;
  };
  const ranked = artifacts.map((artifact) => ({ artifact, rank: rank(artifact) })).sort((a, b) => a.rank - b.rank).map(({ artifact }) => artifact);
  return heading('BOARD', 'facts on the left; what did not pass the gate, on the right', view) + boardText(ranked, view, { rowsMax });
}

/** What became of the fabricated findings, in one sentence. */
export function liarSentence(artifacts: readonly Artifact[], { colors, columns }: View): string {
  const lies = artifacts.filter((artifact) => artifact.producer === 'liar');
  const passed = lies.filter((artifact) => artifact.namespace === 'verified').length;
  const text = `${lies.length} fabricated findings: ${lies.length - passed} in quarantine with a reason, ${passed} among the facts, so ${passed === 0 ? 'none' : 'perhaps some'} in the brief`;
  return `\n${wrapText(text, columns).map((line) => `${(passed === 0 ? colors.green : colors.red)(line)}\n`).join('')}`;
}

/** The rows that tell the story, in the order of the log. */
export function auditExcerpt(events: readonly AuditEvent[], rowsMax: number): readonly AuditEvent[] {
  const picked = new Set<AuditEvent>();
  const first = (test: (event: AuditEvent) => boolean, count = 1): void => {
    for (const event of events.filter(test).slice(0, count)) if (picked.size < rowsMax) picked.add(event);
  };
  first((event) => event.eventType === 'JobAccepted');
  first((event) => event.eventType === 'JobEnded');
  const reasons = new Set<string>();
  first((event) => event.eventType === 'ArtifactRejected' && !reasons.has(event.reason) && reasons.add(event.reason) !== undefined, 3);
  first((event) => event.eventType === 'VerificationRequested');
  first((event) => event.eventType === 'ArtifactVerified' && event.step.includes('/'));
  first((event) => event.eventType === 'PlanExpanded');
  first((event) => event.eventType === 'ArtifactVerified' && event.step === 'write');
  first((event) => event.eventType === 'StepRequested', 2);
  first((event) => event.eventType === 'StepCompleted', rowsMax);
  return events.filter((event) => picked.has(event));
}

export function auditSection(events: readonly AuditEvent[], view: View, rowsMax: number): string {
  const excerpt = auditExcerpt(events, rowsMax);
  return heading('AUDIT TRAIL', `${excerpt.length} of ${events.length} rows; CAUSE is the claim that each fact decides`, view) + auditText(excerpt, view);
}
