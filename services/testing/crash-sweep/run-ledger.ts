// What agents and models did, from the lines that they left: an attempt may run again in another process, since the
// first one died under it, but never twice in one, and never once the log has closed it.

import { existsSync, readFileSync } from 'node:fs';
import type { Fact } from '../../../schemas/generated/events.js';
import type { CountedFact } from '../check-log.js';

export interface RunFigures {
  /** Runs of agents and asks of models. */
  readonly runs: number;
  /** Of those, again in another process. */
  readonly again: number;
}

export class RunLedger {
  /** What the log had closed when a process began, by the line that the file had then. */
  readonly #closed: { readonly fromLine: number; readonly closes: (run: Run) => boolean }[] = [];

  constructor(private readonly path: string) {}

  /** To be called when nothing runs: what starts later must not run what these facts close. */
  closedBy(facts: readonly CountedFact[]): void {
    this.#closed.push({ fromLine: this.#lines().length, closes: closing(facts.filter(({ counts }) => counts).map(({ fact }) => fact)) });
  }

  check(): { readonly figures: RunFigures; readonly problems: readonly string[] } {
    const problems: string[] = [];
    const seen = new Set<string>();
    const attempts = new Set<string>();
    this.#lines().forEach((line, index) => {
      const [pid, kind, name] = line.split(' ') as [string, string, string];
      if (seen.has(line)) problems.push(`${kind} ${name} ran twice in process ${pid}`);
      seen.add(line);
      attempts.add(`${kind} ${name}`);
      const run = runOf(kind, name);
      if (this.#closed.some(({ fromLine, closes }) => index >= fromLine && closes(run))) problems.push(`${kind} ${name} ran in process ${pid} although the log had closed it before that process began`);
    });
    return { figures: { runs: seen.size, again: seen.size - attempts.size }, problems };
  }

  #lines(): readonly string[] {
    return existsSync(this.path) ? readFileSync(this.path, 'utf8').split('\n').filter((line) => line !== '') : [];
  }
}

interface Run {
  readonly isVerification: boolean;
  readonly job: string;
  readonly step: string;
  readonly attempt: number;
}

function runOf(kind: string, name: string): Run {
  const [job = '', step = '', attempt = ''] = name.split('/');
  return { isVerification: kind === 'verification', job, step, attempt: Number(attempt) };
}

function closing(facts: readonly Fact[]): (run: Run) => boolean {
  const jobs = new Set<string>();
  const steps = new Set<string>();
  const attempts = new Set<string>();
  const produced = new Set<string>();
  for (const { type, job, step, attempt } of facts) {
    if (type === 'JobEnded') jobs.add(job);
    else if (type === 'StepCompleted' || type === 'StepFailed') steps.add(`${job}/${step}`);
    else if (type === 'AttemptFailed') attempts.add(`${job}/${step}/${attempt}`);
    else if (type === 'VerificationRequested') produced.add(`${job}/${step}/${attempt}`);
  }
  return ({ isVerification, job, step, attempt }) => jobs.has(job) || steps.has(`${job}/${step}`) || attempts.has(`${job}/${step}/${attempt}`) || (!isVerification && produced.has(`${job}/${step}/${attempt}`));
}
