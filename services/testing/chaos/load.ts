// Submits jobs over HTTP at a steady pace with bounded concurrency, and keeps the client's side of the story: what was
// sent, what was acknowledged and where, what was refused, what nobody knows. A 503, or no answer, is sent again with
// the same key until it is acknowledged.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from '../simulation/dice.js';
import { checked, modelled, plain } from './workflows.js';

export interface Try {
  readonly ingress: number;
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
  /** `unavailable`: 503, not in the log or not known; `unknown`: no answer. */
  readonly end: 'acked' | 'refused' | 'unavailable' | 'unknown';
  readonly status: number;
}

export interface Submission {
  readonly key: string;
  readonly tenant: string;
  readonly workflow: string;
  /** False: a request that breaks a rule and must be refused. */
  readonly isWellFormed: boolean;
  readonly tries: Try[];
  job: string;
  /** Where acknowledgements said that it is: `partition/offset`. */
  readonly places: string[];
}

export interface LoadOptions {
  readonly urls: readonly string[];
  readonly jobs: number;
  /** Over which the submissions are spread. */
  readonly planMs: number;
  readonly seed: number;
  readonly dice: Dice;
}

const underWayMax = 256;
const giveUpMs = 300_000;
const requestMs = 15_000;

/** Bodies that ingress must refuse, whatever else goes on. */
const malformed = [
  '{"workflow":"chaos-plain","params":{"n":1e400}}', '{"workflow":"chaos-plain","params":{"__proto__":{"x":1}}}', '{"workflow":"chaos-plain","workflow":"noop"}',
  '{"workflow":"chaos-plain","params":{"s":"\\ud800"}}', '{"workflow":', 'not json', `{"workflow":"chaos-plain","params":${'['.repeat(400)}${']'.repeat(400)}}`, '{"workflow":"chaos-plain","unknown":true}',
];

export class Load {
  readonly history: Submission[] = [];
  readonly #extra: Promise<void>[] = [];
  sent = 0;
  #mayEnd = false;

  constructor(private readonly options: LoadOptions) {}

  get acked(): number {
    return this.history.filter(({ places }) => places.length > 0).length;
  }

  get isPlanSent(): boolean {
    return this.sent >= this.options.jobs;
  }

  /** Nothing more is submitted than the plan. */
  finish(): void {
    this.#mayEnd = true;
  }

  /** Submits the plan, and goes on at its pace until it may end; resolves when each has an answer that stands. */
  async run(): Promise<void> {
    const { jobs, planMs, seed, dice } = this.options;
    const beganMs = Date.now();
    const underWay = new Set<Promise<void>>();
    for (let n = 0; n < jobs || !this.#mayEnd; n += 1) {
      await sleep(Math.max(0, beganMs + (planMs * n) / jobs - Date.now()));
      while (underWay.size >= underWayMax) await Promise.race(underWay);
      const workflow = dice.chance(0.05) ? modelled.name : dice.chance(0.2) ? checked.name : plain.name;
      const tasks = [this.#submit(this.#add(`chaos-${seed}-${n}`, 'acme', workflow), JSON.stringify({ workflow, params: {}, tenant: 'acme' }), dice.chance(0.03))];
      if (dice.chance(0.02)) tasks.push(this.#submit(this.#add(`refused-${seed}-${n}`, 'acme', '', false), dice.pick(malformed), false));
      for (const task of tasks) {
        const tracked: Promise<void> = task.finally(() => underWay.delete(tracked));
        underWay.add(tracked);
      }
      this.sent += 1;
    }
    await Promise.all([...underWay, ...this.#extra]);
  }

  /** Submits a crowd of one tenant's jobs at once. */
  crowd(tenant: string, count: number): void {
    if (this.#mayEnd) return;
    const at = this.history.length;
    this.#extra.push(Promise.all(Array.from({ length: count }, async (_, n) => {
      await sleep((n % 20) * 10);
      await this.#submit(this.#add(`${tenant}-${this.options.seed}-${at}-${n}`, tenant, plain.name), JSON.stringify({ workflow: plain.name, params: {}, tenant }), false);
    })).then(() => undefined));
  }

  #add(key: string, tenant: string, workflow: string, isWellFormed = true): Submission {
    const submission: Submission = { key, tenant, workflow, isWellFormed, tries: [], job: '', places: [] };
    this.history.push(submission);
    return submission;
  }

  /** @param again - once acknowledged, it is sent once more. */
  async #submit(submission: Submission, body: string, again: boolean): Promise<void> {
    const untilMs = Date.now() + giveUpMs;
    for (let tries = 0; Date.now() < untilMs; tries += 1) {
      const made = await this.#try(submission, body, (this.sent + tries) % this.options.urls.length);
      if (made.end === 'refused') return;
      if (made.end === 'acked') break;
      await sleep(Math.min(2_000, 100 * 2 ** tries) * (0.5 + Math.random() / 2));
    }
    if (again) await this.#try(submission, body, this.sent % this.options.urls.length);
  }

  async #try(submission: Submission, body: string, ingress: number): Promise<Try> {
    const sentAtMs = Date.now();
    let made: Pick<Try, 'end' | 'status'> = { end: 'unknown', status: 0 };
    try {
      const answer = await fetch(`${this.options.urls[ingress] as string}/v1/jobs`, {
        method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': submission.key }, body, signal: AbortSignal.timeout(requestMs),
      });
      const said = await answer.json() as { job?: string; partition?: number; offset?: number };
      if (answer.status === 202) {
        submission.job = said.job ?? '';
        submission.places.push(`${said.partition}/${said.offset}`);
      }
      made = { end: answer.status === 202 ? 'acked' : answer.status >= 500 ? 'unavailable' : 'refused', status: answer.status };
    } catch {
      // No answer, or half of one: whether it is in the log is not known.
    }
    const whole = { ingress, sentAtMs, answeredAtMs: Date.now(), ...made };
    submission.tries.push(whole);
    return whole;
  }
}
