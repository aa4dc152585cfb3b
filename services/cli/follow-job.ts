// Follows a job's committed rows to its end and shows them: redrawn on a terminal, a line each otherwise, the rows
// themselves with --json.

import { parseAuditEvent } from './audit-event.js';
import type { IngressClient } from './ingress-client.js';
import { LiveScreen } from './live-screen.js';
import { jsonLine, type Terminal } from './terminal.js';
import { addEvent, emptyTimeline, type Timeline } from './timeline.js';
import { endLine, eventLine, timelineLines } from './timeline-view.js';

export interface FollowOptions {
  readonly client: IngressClient;
  readonly job: string;
  /** Offset of the submission that is meant; lets one follow a job that is not accepted yet. */
  readonly submission?: number | undefined;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly json?: boolean | undefined;
  /** Without a terminal: the lines of the steps at the end instead of a line for each fact. */
  readonly overview?: boolean;
}

const frameMs = 120;

/** Resolves with what was seen when the job has ended or `signal` aborts. */
export async function followJob(options: FollowOptions): Promise<Timeline> {
  const { client, job, terminal, signal } = options;
  const show = options.json === true ? jsonShow(terminal) : terminal.isInteractive ? liveShow(terminal) : options.overview === true ? overviewShow(terminal) : plainShow(terminal);
  let timeline = emptyTimeline;
  try {
    for await (const { type, data } of client.events(`/v1/jobs/${job}/events${options.submission === undefined ? '' : `?submission=${options.submission}`}`, signal)) {
      if (type === 'end') break;
      const { event, raw } = parseAuditEvent(data);
      timeline = addEvent(timeline, event);
      show.event(timeline, eventLine(event), raw);
    }
  } finally {
    show.end(timeline);
  }
  return timeline;
}

interface Show {
  event(timeline: Timeline, line: string, raw: unknown): void;
  end(timeline: Timeline): void;
}

function jsonShow(terminal: Terminal): Show {
  return { event: (_timeline, _line, raw) => terminal.out(jsonLine(raw)), end: () => undefined };
}

function plainShow(terminal: Terminal): Show {
  return {
    event: (_timeline, line) => terminal.out(`${line}\n`),
    end: (timeline) => { if (timeline.events > 0) terminal.out(`${endLine(timeline, terminal)}\n`); },
  };
}

function overviewShow(terminal: Terminal): Show {
  return { event: () => undefined, end: (timeline) => showSteps(timeline, terminal) };
}

function showSteps(timeline: Timeline, terminal: Terminal): void {
  // Of a job that is not there, or whose first row has not come, nothing can be said.
  if (timeline.events === 0) return;
  for (const line of timelineLines(timeline, terminal, { nowMs: timeline.lastAtMs })) terminal.out(`${line}\n`);
  terminal.out(`${endLine(timeline, terminal)}\n`);
}

function liveShow(terminal: Terminal): Show {
  const screen = new LiveScreen(terminal);
  // The log's clock and ours may differ: what is open is measured from its last row on.
  let seen = { timeline: emptyTimeline, atMs: Date.now() };
  let frame = 0;
  const draw = (): void => screen.draw([
    ...timelineLines(seen.timeline, terminal, { nowMs: seen.timeline.lastAtMs + Date.now() - seen.atMs, frame: frame++ }),
    ...(seen.timeline.steps.length === 0 ? [terminal.colors.dim('waiting for the first step …')] : []),
  ]);
  const timer = setInterval(draw, frameMs);
  return {
    event: (timeline) => { seen = { timeline, atMs: Date.now() }; },
    end: (timeline) => {
      clearInterval(timer);
      screen.clear();
      showSteps(timeline, terminal);
    },
  };
}
