// A timeline as lines of a terminal, each at most as wide as it is. All words of others are made safe here.

import { clockTime, duration } from './durations.js';
import type { AuditEvent } from './audit-event.js';
import { reasonCodes } from './audit-event.js';
import { foreign, type Colors, type Terminal } from './terminal.js';
import { clip, padEnd } from './text-layout.js';
import type { StepLine, StepState, Timeline } from './timeline.js';

type View = Pick<Terminal, 'columns' | 'colors'>;

export const marks: Readonly<Record<StepState, string>> = { working: '◐', verifying: '◑', waiting: '◌', completed: '✔', failed: '✘', abandoned: '–' };
const spinner = ['◐', '◓', '◑', '◒'];

export function paint(state: StepState | string, colors: Colors): (text: string) => string {
  if (state === 'completed' || state === 'verified') return colors.green;
  if (state === 'failed' || state === 'rejected' || state === 'refused') return colors.red;
  return state === 'working' || state === 'verifying' || state === 'open' ? colors.cyan : colors.yellow;
}

/** One line per step, without a line feed each; `frame` turns the mark of what is under way. */
export function timelineLines(timeline: Timeline, view: View, { nowMs, frame = 0 }: { readonly nowMs: number; readonly frame?: number }): readonly string[] {
  const widest = (texts: readonly string[], max: number): number => Math.min(max, Math.max(4, ...texts.map((text) => text.length)));
  const stepWidth = widest(timeline.steps.map((line) => foreign(line.step, 40)), view.columns < 90 ? 14 : 24);
  const agentWidth = widest(timeline.steps.map((line) => foreign(line.agent, 40)), view.columns < 90 ? 11 : 18);
  return timeline.steps.map((line) => stepText(line, { ...view, stepWidth, agentWidth, nowMs, frame, startMs: timeline.acceptedAtMs ?? line.requestedAtMs }));
}

interface LineView extends View {
  readonly stepWidth: number;
  readonly agentWidth: number;
  readonly nowMs: number;
  readonly frame: number;
  readonly startMs: number;
}

function stepText(line: StepLine, view: LineView): string {
  const { colors } = view;
  const isOpen = line.closedAtMs === null;
  const mark = isOpen ? spinner[view.frame % spinner.length] ?? marks.working : marks[line.state];
  const began = padEnd(`+${((line.requestedAtMs - view.startMs) / 1000).toFixed(2)}`, 7);
  const took = duration((line.closedAtMs ?? Math.max(view.nowMs, line.requestedAtMs)) - line.requestedAtMs).padStart(8);
  const step = padEnd(clip(foreign(line.step, 80), view.stepWidth), view.stepWidth);
  const agent = padEnd(clip(foreign(line.agent, 80), view.agentWidth), view.agentWidth);
  const attempt = line.attempt > 1 ? `#${line.attempt}` : '  ';
  // Mark, two spaces each, and the fixed columns before the verdict.
  const left = view.columns - (2 + 7 + 2 + view.stepWidth + 2 + view.agentWidth + 1 + 2 + 1 + 8 + 2);
  const verdict = clip(verdictText(line), Math.max(left, 8));
  return `${paint(line.state, colors)(mark)} ${colors.dim(began)}  ${colors.bold(step)}  ${agent} ${colors.yellow(attempt)} ${took}  ${paint(verdictTone(line), colors)(verdict)}`;
}

function verdictTone(line: StepLine): string {
  if (line.state === 'completed') return line.rejected > 0 && line.accepted === 0 ? 'failed' : line.rejected > 0 ? 'mixed' : 'completed';
  return line.state;
}

/** What was found about a step's work, in words. */
export function verdictText(line: StepLine): string {
  const reasons = Object.entries(line.reasons).map(([code, count]) => `${foreign(code, 60)}${count > 1 ? ` ×${count}` : ''}`).join(', ');
  const because = reasons === '' ? '' : `: ${reasons}`;
  if (line.state === 'working') return line.attempt > 1 ? `again${because}` : 'working';
  if (line.state === 'verifying') return `before ${foreign(line.verifier, 40)}`;
  if (line.state === 'waiting') return `tried again soon${because}`;
  if (line.state === 'abandoned') return 'given up with the job';
  if (line.state === 'failed') return line.rejected > 0 ? `${line.rejected} refused${because}` : `failed${because}`;
  if (line.accepted + line.rejected === 0) return 'nothing found';
  const verified = line.accepted > 0 ? `${line.accepted} verified` : '';
  const refused = line.rejected > 0 ? `${line.rejected} refused${because}` : '';
  return [verified, refused].filter((part) => part !== '').join(', ') + (line.rejected === 0 && line.attempt > 1 && because !== '' ? ` (before${because})` : '');
}

/** `✔ completed in 1.24 s · 12 verified · 3 refused`. */
export function endLine(timeline: Timeline, { colors, columns }: View): string {
  const { end, acceptedAtMs } = timeline;
  if (end === null) return colors.dim('… not ended yet');
  const good = end.outcome === 'completed';
  const took = acceptedAtMs === null ? '' : ` in ${duration(end.atMs - acceptedAtMs)}`;
  const sum = (pick: (line: StepLine) => number): number => timeline.steps.reduce((total, line) => total + pick(line), 0);
  const parts = [`${foreign(end.outcome, 40)}${took}`, ...(end.reason === '' ? [] : [foreign(end.reason, 80)]), `${sum((line) => line.accepted)} verified`, `${sum((line) => line.rejected)} refused`, `${timeline.events} facts`];
  return (good ? colors.green : colors.red)(clip(`${good ? '✔' : '✘'} ${parts.join(' · ')}`, columns));
}

/** One row as a line for logs and pipes: time, type, step, what it says. */
export function eventLine(event: AuditEvent): string {
  const codes = reasonCodes(event);
  const why = codes.length > 0 ? codes.slice(0, 4).join(',') : event.reason;
  const attempt = event.attempt === null || event.step === '' ? '' : `#${event.attempt}`;
  const parts = [clockTime(event.tsMs), padEnd(foreign(event.eventType, 40), 21), padEnd(`${foreign(event.step, 60)}${attempt}`, 16), padEnd(foreign(event.agent || event.node, 40), 12),
    event.latencyMs === null ? '' : duration(event.latencyMs), foreign(why, 120)];
  return parts.filter((part) => part !== '').join('  ').trimEnd();
}
