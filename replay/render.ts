// Replay's findings as text for a person, and as JSON. What a log says is hostile text: all of it passes forTerminal.

import type { Formatter } from 'picocolors/types.js';
import { counted } from '../services/runtime/counted.js';
import { forTerminal } from '../services/runtime/sanitize.js';
import type { BoardArtifact, BoardAt, TimelineEvent } from './board-at.js';
import type { Divergence, DivergenceKind } from './compare.js';
import type { RowComparison } from './compare-rows.js';
import type { ReplayReport } from './replay.js';

export interface ReplayView {
  readonly columns: number;
  readonly colors: Readonly<Record<'bold' | 'dim' | 'green' | 'red' | 'yellow', Formatter>>;
}

export interface Replayed {
  /** Null when all jobs were replayed. */
  readonly board: BoardAt | null;
  readonly report: ReplayReport;
  /** Null when no database was asked. */
  readonly rows: RowComparison | null;
}

const kinds: Readonly<Record<DivergenceKind, string>> = {
  'claim-altered': 'the claim is not the one that was decided on',
  'claim-missing': 'quarantine has no such claim',
  'fact-differs': 'the decision taken again says otherwise',
  'fact-missing': 'the decision taken again has one more fact here',
  'fact-surplus': 'the decision taken again has no such fact',
  'out-of-order': 'claims are not decided one after another, each once',
  'bare-fact-differs': 'it does not say what the facts before it do',
  'epoch-unknown': 'no marker began its epoch',
  unreadable: 'the record cannot be decoded',
  'verb-threw': 'a verb threw when the decision was taken again',
};

const divergencesShown = 10;

export function replayText({ board, report, rows }: Replayed, view: ReplayView): string {
  const parts = [
    ...(board === null ? [] : [headOf(board, view), timelineText(board.timeline, view), boardText(board, view)]),
    reportText(report, view), ...(rows === null ? [] : [rowsText(rows, view)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** One line of JSON without anything but printable ASCII. */
export function replayJson({ board, report, rows }: Replayed): string {
  const answer = { ...(board === null ? {} : { job: board }), replay: report, ...(rows === null ? {} : { rows }) };
  return `${JSON.stringify(answer).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

function headOf({ job, partition, offset, atMs, board }: BoardAt, { colors, columns }: ReplayView): string {
  const asOf = offset < 0 ? 'before the first record' : `as of v/${partition}/${offset}, ${new Date(atMs).toISOString()}`;
  if (board === null) return `${colors.bold(`JOB ${safe(job, 32)}`)}  ${colors.yellow('not accepted')}\n${colors.dim(asOf)}`;
  const paint = board.status === 'completed' ? colors.green : board.status === 'open' ? colors.yellow : colors.red;
  const about = `${safe(board.workflow, 64)} (${safe(board.workflowVersion, 16)}) for ${safe(board.tenant, 64)}, submission q/${partition}/${board.instance}`;
  return `${colors.bold(`JOB ${safe(job, 32)}`)}  ${paint(safe(board.status, 20))}\n${cut(about, columns)}\n${colors.dim(asOf)}`;
}

function timelineText(events: readonly TimelineEvent[], { colors, columns }: ReplayView): string {
  const lines = events.map((event) => {
    const about = [event.step === '' ? '' : `${safe(event.step, 40)}${event.attempt > 0 ? `#${event.attempt}` : ''}`, safe(event.agent, 40), safe(event.reason === '' ? event.edgeLabel : event.reason, 120)].filter((part) => part !== '').join('  ');
    const head = `${`e${event.n}`.padStart(5)}  ${String(event.offset).padStart(7)}  ${new Date(event.atMs).toISOString().slice(11, 23)}  ${safe(event.type, 24).padEnd(21)}  `;
    return `${colors.dim(head.slice(0, 30))}${head.slice(30)}${cut(about, columns - head.length)}`;
  });
  return [colors.bold(`TIMELINE  ${events.length}`), colors.dim('event   offset  time (UTC)    fact'), ...lines].join('\n');
}

function boardText({ board }: BoardAt, { colors, columns }: ReplayView): string {
  if (board === null) return colors.bold('BOARD  empty');
  const steps = board.steps.map((step) => cut(`  ${safe(step.id, 40).padEnd(20)} ${step.status.padEnd(10)} ${safe(step.agent, 40)}${step.attempt > 1 ? `, attempt ${step.attempt}` : ''}${step.reasons.length > 0 ? `: ${safe(step.reasons.join(', '), 120)}` : ''}`, columns));
  const side = (namespace: BoardArtifact['namespace']): readonly string[] => board.artifacts.filter((artifact) => artifact.namespace === namespace).map((artifact) => {
    const why = artifact.state === 'waiting' ? `waits for ${safe(artifact.verifier, 40)}` : safe(artifact.reason, 80);
    return cut(`  ${safe(artifact.hash, 10)}  ${safe(artifact.type, 40).padEnd(12)} ${safe(artifact.step, 40).padEnd(20)} ${safe(artifact.producer, 40)}${why === '' ? '' : `: ${why}`}`, columns);
  });
  const verified = side('verified');
  const quarantine = side('quarantine');
  return [
    colors.bold(`STEPS  ${steps.length}`), ...steps, '', colors.green(`VERIFIED  ${verified.length}`), ...verified, '', colors.red(`QUARANTINE  ${quarantine.length}`), ...quarantine,
  ].join('\n');
}

function reportText(report: ReplayReport, { colors, columns }: ReplayView): string {
  const where = report.partitions.length === 1 ? `partition ${report.partitions[0]?.partition ?? 0}` : counted(report.partitions.length, 'partition');
  const looked = `${counted(report.decisions, 'decision')} of ${counted(report.jobs, 'job')} in ${where}, ${counted(report.facts, 'fact')}, ${counted(report.epochs, 'epoch')}, ${(report.elapsedMs / 1000).toFixed(2)} s`;
  const notes = [
    ...(report.inert > 0 ? [`${report.inert === 1 ? '1 fact was' : `${report.inert} facts were`} written by an owner that had been replaced: what it wrote then counts for nobody, and is not compared`] : []),
    ...(report.undecided > 0 ? [`at the end, ${counted(report.undecided, 'claim')} without a decision (yet)`] : []),
    ...(report.isWhole ? [] : ['too much differs: the rest of the partition was left']),
  ].map((note) => colors.dim(`  ${note}`));
  if (report.firstDivergence === null) return [colors.green(`✔ taken again, every decision is the recorded one`), `  ${looked}`, ...notes].join('\n');
  const lines = report.divergences.slice(0, divergencesShown).flatMap((divergence, index) => divergenceLines(divergence, columns).map((line) => (index === 0 ? line : colors.dim(line))));
  const more = report.divergences.length - divergencesShown;
  return [colors.red(`✘ ${counted(report.divergences.length, 'divergence')}; the first one is where to look`), `  ${looked}`, ...lines, ...(more > 0 ? [`  and ${more} more`] : []), ...notes].join('\n');
}

/** Where it is, what is wrong there, and both sides. */
export function divergenceLines(divergence: Divergence, columns: number): readonly string[] {
  const { partition, verifiedOffset, againstOffset, quarantineOffset, eventType, step, field, job } = divergence;
  const about = [safe(eventType, 40), safe(step, 40), job === '' ? '' : `job ${safe(job, 32)}`].filter((part) => part !== '').join(' ');
  const cause = quarantineOffset >= 0 ? `, decided on q/${partition}/${quarantineOffset}` : againstOffset >= 0 ? `, against v/${partition}/${againstOffset}` : '';
  return [
    `  v/${partition}/${verifiedOffset}${cause}: ${about}`,
    `    ${kinds[divergence.kind]}`,
    ...(field === '' ? [] : [`    field        ${safe(field, 120)}`]),
    ...(divergence.recorded === '' ? [] : [cut(`    recorded     ${safe(divergence.recorded, 400)}`, columns)]),
    ...(divergence.again === '' ? [] : [cut(`    taken again  ${safe(divergence.again, 400)}`, columns)]),
  ];
}

function rowsText({ equal, rows, differing, database, projected }: RowComparison, { colors }: ReplayView): string {
  if (equal) return `${colors.green('✔ projected again, the rows are those of the database')}\n  ${counted(rows, 'row')}, ${database.hash.slice(0, 16)}`;
  const lines = differing.map((table) => `  ${table}: ${counted(database.tables[table]?.rows ?? 0, 'row')} in the database, ${projected.tables[table]?.rows ?? 0} projected again`);
  return [colors.red('✘ projected again, the rows are others than those of the database'), ...lines].join('\n');
}

function safe(text: string, maxChars: number): string {
  return forTerminal(text, maxChars);
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}
