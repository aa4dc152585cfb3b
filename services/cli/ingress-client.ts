// Talks to ingress over HTTP as any other caller would. Answers of 400 and above become CliErrors that carry the
// service's own code, message and hint; no answer at all is `unavailable`, and for a write its outcome is unknown.

import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, type exitCodes } from './exit-codes.js';
import { defaultUrl } from './context.js';
import { readEventStream, type ServerEvent } from './read-event-stream.js';
import { secretVariable } from './secret-variable.js';

export interface Answer {
  readonly status: number;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface AskOptions {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Default 30,000; longer for answers that wait. */
  readonly timeoutMs?: number;
}

/** How a reader of events comes back after a cut line. */
export interface Patience {
  /** Pauses double up to this. A stream that was open for so long was there: what comes after it is another cut. */
  readonly pauseMsMax: number;
  /** From a cut on, without any event. */
  readonly patienceMs: number;
}

const defaultTimeoutMs = 30_000;
const pauseMsMin = 250;
/** Longer than a service takes to start again. */
const defaultPatience: Patience = { pauseMsMax: 5_000, patienceMs: 60_000 };

export class IngressClient {
  readonly url: string;

  /** @throws CliError usage when the URL is none. */
  constructor(url: string, private readonly apiKey: string, private readonly patience: Patience = defaultPatience) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new CliError('usage', 'the URL of ingress is not an http URL', `Set --url or BLACKBOARD_URL to something like ${defaultUrl}.`);
    this.url = url.replace(/\/+$/, '');
  }

  async ask(path: string, options: AskOptions = {}): Promise<Answer> {
    const response = await this.send(path, options);
    const bytes = Buffer.from(await response.arrayBuffer().catch((error: unknown) => { throw this.gone(error, options); }));
    const answer = { status: response.status, mediaType: response.headers.get('content-type') ?? '', bytes };
    if (response.status >= 400) throw refusal(answer);
    return answer;
  }

  async json(path: string, options: AskOptions = {}): Promise<unknown> {
    return parsed(await this.ask(path, options));
  }

  /**
   * Events of a job until the service says that they have ended, or `signal` aborts; comes back after a cut line.
   * @throws CliError of the first request; later unavailable, when patience is over, and whatever else is answered then
   */
  async *events(path: string, signal: AbortSignal): AsyncIterable<ServerEvent> {
    const { pauseMsMax, patienceMs } = this.patience;
    let lastId: string | undefined;
    let hasBegun = false;
    let tries = 0;
    let cutAtMs = 0;
    for (;;) {
      let openedAtMs = Infinity;
      let cut = new CliError('unavailable', 'the event stream ended before its job did', 'Is ingress there? Check it with "blackboard doctor"; then ask again.', { code: 'INGRESS_UNAVAILABLE' });
      try {
        const body = await this.openStream(path, lastId, signal);
        hasBegun = true;
        openedAtMs = performance.now();
        for await (const event of readEventStream(body)) {
          tries = 0;
          if (event.id !== '') lastId = event.id;
          yield event;
          if (event.type === 'end') return;
        }
      } catch (error) {
        const mayHeal = !(error instanceof CliError) || error.exit === 'unavailable';
        if (!signal.aborted && (!mayHeal || !hasBegun)) throw error;
        if (error instanceof CliError) cut = error;
      }
      if (signal.aborted) return;
      const nowMs = performance.now();
      if (nowMs - openedAtMs >= pauseMsMax) tries = 0;
      if (tries === 0) cutAtMs = nowMs;
      const pauseMs = Math.min(pauseMsMax, pauseMsMin * 2 ** tries);
      if (nowMs + pauseMs > cutAtMs + patienceMs) throw cut;
      tries += 1;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async openStream(path: string, lastId: string | undefined, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const headers = { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
    const response = await this.send(path, { headers, signal, timeoutMs: 0 });
    if (response.status >= 400) throw refusal({ status: response.status, mediaType: response.headers.get('content-type') ?? '', bytes: Buffer.from(await response.arrayBuffer()) });
    if (response.body === null) throw new CliError('unavailable', 'the event stream is empty');
    return response.body;
  }

  private async send(path: string, options: AskOptions): Promise<Response> {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const signals = [...(options.signal === undefined ? [] : [options.signal]), ...(timeoutMs > 0 ? [AbortSignal.timeout(timeoutMs)] : [])];
    try {
      return await fetch(`${this.url}${path}`, {
        method: options.method ?? 'GET', redirect: 'error', signal: AbortSignal.any(signals),
        headers: {
          accept: 'application/json', ...(this.apiKey === '' ? {} : { authorization: `Bearer ${this.apiKey}` }),
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers,
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
    } catch (error) {
      throw this.gone(error, options);
    }
  }

  private gone(error: unknown, options: AskOptions): CliError {
    if (options.signal?.aborted === true) return new CliError('interrupted', 'stopped');
    const cause = (error as { cause?: { code?: unknown } }).cause?.code ?? (error as Error).name;
    const neverSent = cause === 'ECONNREFUSED' || cause === 'ENOTFOUND';
    const unknown = options.method === 'POST' && !neverSent;
    return new CliError('unavailable', `ingress at ${this.url} does not answer (${String(cause)})${unknown ? '; whether the request was taken is not known' : ''}`,
      unknown ? 'Send it again with the same key: that is safe.' : neverSent ? 'Start it with "blackboard up", or name another with --url or BLACKBOARD_URL.' : 'Is that ingress? Check --url and BLACKBOARD_URL; then ask again.', { code: unknown ? 'APPEND_UNKNOWN' : 'INGRESS_UNAVAILABLE' });
  }
}

/** The client that options and environment ask for. */
export function clientFor(options: { readonly url?: string }, env: NodeJS.ProcessEnv): IngressClient {
  return new IngressClient(options.url ?? (env['BLACKBOARD_URL'] || defaultUrl), secretVariable(env, 'BLACKBOARD_API_KEY'));
}

function parsed(answer: Answer): unknown {
  try {
    return JSON.parse(answer.bytes.toString('utf8')) as unknown;
  } catch {
    throw new CliError('unavailable', 'the answer is not JSON', 'Is that ingress? Check --url and BLACKBOARD_URL.');
  }
}

function refusal(answer: Answer): CliError {
  let body: Readonly<Record<string, unknown>> = {};
  try {
    body = JSON.parse(answer.bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    // Something else than ingress may stand between; the status says enough.
  }
  const said = (name: string): string => (typeof body[name] === 'string' ? body[name] : '');
  const reason = said('reason') === '' ? '' : ` (${said('reason')}${said('explanation') === '' ? '' : `: ${said('explanation')}`})`;
  // The API speaks of its query; here it is an option.
  const hint = said('hint').replace('?submission=', '--submission');
  return new CliError(exitOfStatus(answer.status), `${said('message') || `the service answered ${answer.status}`}${reason}`, hint, { status: answer.status, ...body });
}

export function exitOfStatus(status: number): keyof typeof exitCodes {
  if (status === 404) return 'notFound';
  return status >= 500 || status === 429 ? 'unavailable' : 'refused';
}
