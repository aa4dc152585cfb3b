// The demo: the runtime as it is, in a folder of its own, and one job over real HTTP. Nothing in it is staged: what is
// shown is read back through the HTTP API, from committed rows.

import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { createLogger } from '../runtime/logger.js';
import type { All } from '../up/start-all.js';
import { readAuditRows } from './read-audit-rows.js';
import type { CliContext } from './context.js';
import { auditSection, boardSection, briefSection, heading, labelled, liarSentence } from './demo-story.js';
import { duration } from './durations.js';
import { CliError } from './exit-codes.js';
import { followJob } from './follow-job.js';
import { IngressClient } from './ingress-client.js';
import { answers, readAnswer } from './job-views.js';
import { openWorld, saying, type OpenWorld } from './open-world.js';
import { foreign, jsonLine } from './terminal.js';
import type { Timeline } from './timeline.js';

export interface DemoWish {
  readonly kafka: boolean;
  readonly withLiar: boolean;
  readonly docs: string;
  /** Files below `docs`; null: all. */
  readonly include: readonly string[] | null;
  readonly question: string;
  /** Undefined: a temporary folder, removed at the end unless `keep`. */
  readonly dataDir: string | undefined;
  readonly keep: boolean;
  readonly json: boolean;
}

interface Running {
  readonly all: All;
  readonly open: OpenWorld;
  readonly dataDir: string;
  readonly startedInMs: number;
}

const jobPatienceMs = 120_000;

/** Resolves with whether the job completed. */
export async function runDemo(wish: DemoWish, context: CliContext): Promise<boolean> {
  if (!(await stat(wish.docs).then((found) => found.isDirectory(), () => false))) throw new CliError('notFound', `--docs: there is no folder ${foreign(wish.docs)}`, 'Name a folder with Markdown, text or HTML files.');
  const dataDir = wish.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'blackboard-demo-')) : resolve(wish.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const logFile = createWriteStream(join(dataDir, 'demo.log'), { flags: 'a' });
  await once(logFile, 'open');
  let isFailed = false;
  try {
    return await inWorld(wish, context, { dataDir, logFile });
  } catch (error) {
    isFailed = !(error instanceof CliError && error.exit === 'interrupted');
    if (isFailed) context.terminal.err(`blackboard: the log of the services is ${foreign(join(dataDir, 'demo.log'))}\n`);
    throw error;
  } finally {
    await new Promise<void>((resolveEnd) => logFile.end(() => resolveEnd()));
    if (!isFailed && wish.dataDir === undefined && !wish.keep) await rm(dataDir, { recursive: true, force: true });
  }
}

async function inWorld(wish: DemoWish, context: CliContext, place: { readonly dataDir: string; readonly logFile: NodeJS.WritableStream }): Promise<boolean> {
  const { terminal } = context;
  const startedAtMs = Date.now();
  const { say, done } = saying(terminal);
  if (!wish.json) terminal.out(`${terminal.colors.bold('blackboard demo')}\n`);
  say('starting log, database and services');
  const open = await openWorld({ kafka: wish.kafka, dataDir: place.dataDir, isScratch: wish.dataDir === undefined && !wish.keep, env: context.env, say });
  try {
    const { startAll } = await import('../up/start-all.js');
    const logger = createLogger({ service: 'demo', level: 'info', destination: { write: (line: string) => void place.logFile.write(line) } });
    const all = await startAll({ world: open.world, logger, collectorRoots: [wish.docs] });
    done();
    try {
      return await tellStory(wish, context, { all, open, dataDir: place.dataDir, startedInMs: Date.now() - startedAtMs });
    } finally {
      say('stopping');
      await all.close();
      done();
    }
  } finally {
    await open.stop();
  }
}

async function tellStory(wish: DemoWish, context: CliContext, running: Running): Promise<boolean> {
  const { terminal } = context;
  const client = new IngressClient(running.all.ingressUrl, '');
  const workflow = wish.withLiar ? 'brief-with-liar' : 'brief';
  const body = { workflow, params: { docs: wish.docs, question: wish.question, ...(wish.include === null ? {} : { include: wish.include }) }, idempotencyKey: `demo-${Date.now()}` };
  const accepted = readAnswer(answers.accepted, await client.json('/v1/jobs', { method: 'POST', body, signal: context.stopped }));
  if (!wish.json) {
    terminal.out(labelled('runs on', wish.kafka ? running.open.parts.map(([name, where]) => `${name} ${where}`).join(', ') : `embedded log, PGlite and body store in ${running.dataDir}`, terminal));
    terminal.out(labelled('started', `ingress, gate and orchestrator, gateway, projector, 7 agents in ${duration(running.startedInMs)}`, terminal));
    terminal.out(labelled('documents', documentsText(wish), terminal) + labelled('question', wish.question, terminal));
    terminal.out(labelled('submitted', `POST ${running.all.ingressUrl}/v1/jobs → job ${accepted.job}, quarantine ${accepted.partition}/${accepted.offset}`, terminal));
    terminal.out(heading('TIMELINE', wish.withLiar ? 'a liar works beside the researcher' : 'live, from committed rows', terminal));
  }
  const quiet = { ...terminal, out: () => undefined, isInteractive: false };
  const timeline = await untilEnded(running, context, (signal) => followJob({ client, job: accepted.job, submission: accepted.offset, terminal: wish.json ? quiet : terminal, signal, overview: true }));
  await tellEnd(wish, context, { client, job: accepted.job, timeline, running });
  return timeline.end?.outcome === 'completed';
}

function documentsText({ docs, include }: DemoWish): string {
  const folder = relative(process.cwd(), docs) || '.';
  if (include === null) return folder;
  const packages = [...new Set(include.map((path) => path.split('/')[0] ?? ''))];
  return `${include.length} files of installed packages (${packages.join(', ')}) below ${folder}`;
}

/** @throws CliError when a service halts first, or patience ends. */
async function untilEnded(running: Running, context: CliContext, follow: (signal: AbortSignal) => Promise<Timeline>): Promise<Timeline> {
  const halted = running.all.halted.then((error) => { throw new CliError('failed', `a service halted: ${error.message}`); });
  const timeline = await Promise.race([follow(AbortSignal.any([context.stopped, AbortSignal.timeout(jobPatienceMs)])), halted]);
  if (timeline.end !== null) return timeline;
  if (context.stopped.aborted) throw new CliError('interrupted', 'stopped before the job ended');
  throw new CliError('unavailable', `the job had not ended after ${duration(jobPatienceMs)}`);
}

interface Ended {
  readonly client: IngressClient;
  readonly job: string;
  readonly timeline: Timeline;
  readonly running: Running;
}

async function tellEnd(wish: DemoWish, { terminal, stopped }: CliContext, { client, job, timeline, running }: Ended): Promise<void> {
  const [result, artifactsRaw, { rows }] = await Promise.all([
    client.ask(`/v1/jobs/${job}/result`, { headers: { accept: 'text/markdown, application/json' } }),
    client.json(`/v1/jobs/${job}/artifacts`), readAuditRows(client, job, { signal: stopped }),
  ]);
  const { artifacts } = readAnswer(answers.artifacts, artifactsRaw);
  const brief = result.mediaType.startsWith('text/markdown') ? result.bytes.toString('utf8') : null;
  if (wish.json) return terminal.out(jsonLine({ job, outcome: timeline.end?.outcome ?? null, startedInMs: running.startedInMs, brief, artifacts, auditRows: rows.length }));
  if (brief !== null) terminal.out(briefSection(brief, terminal, 14));
  terminal.out(boardSection(artifacts, terminal, wish.withLiar ? 12 : 8) + (wish.withLiar ? liarSentence(artifacts, terminal) : ''));
  terminal.out(auditSection(rows.map(({ event }) => event), terminal, 12));
  terminal.out(heading('NEXT', '', terminal) + nextSteps(wish, job, running.dataDir).map(([command, why]) => labelled(command, why, terminal, 45)).join(''));
}

function nextSteps(wish: DemoWish, job: string, dataDir: string): readonly (readonly [string, string])[] {
  const isKept = wish.keep || wish.dataDir !== undefined;
  return [
    ...(wish.withLiar ? [] : [['npm run demo -- --with-liar', 'the same with an agent that fabricates: see what the gate does with it'] as const]),
    ['npm run demo -- --docs DIR --question "…"', 'your own documents'],
    ...(isKept ? [[`blackboard up --data ${foreign(relative(process.cwd(), dataDir) || '.')}`, `go on with what is there; then: blackboard audit ${job}`] as const]
      : [['npm run demo -- --data ./demo-data', 'keep log, database and bodies; then: blackboard up --data ./demo-data'] as const]),
    ...(wish.kafka ? [] : [['npm run demo -- --kafka', 'the same on a real broker, registry and Postgres'] as const]),
    ['ARCHITECTURE.md', 'how it works, and why'],
  ];
}
