// Talks to ingress over HTTP as any other caller would. Answers of 400 and above become CliErrors that carry the
// service's own code, message and hint; no answer at all is `unavailable`, and for a write its outcome is unknown.

import { CliError, type exitCodes } from './exit-codes.js';
import { defaultUrl } from './context.js';
import { readEventStream, type ServerEvent } from './read-event-stream.js';

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

const defaultTimeoutMs = 30_000;

export class IngressClient {
  readonly url: string;

  /** @throws CliError usage when the URL is none. */
  constructor(url: string, private readonly apiKey: string) {
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

  /** Events of a job until the service ends the stream or `signal` aborts; comes back after a cut line. */
  async *events(path: string, signal: AbortSignal): AsyncIterable<ServerEvent> {
    let lastId: string | undefined;
    for (let failures = 0; ; failures += 1) {
      try {
        const headers = { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
        const response = await this.send(path, { headers, signal, timeoutMs: 0 });
        if (response.status >= 400) throw refusal({ status: response.status, mediaType: response.headers.get('content-type') ?? '', bytes: Buffer.from(await response.arrayBuffer()) });
        if (response.body === null) throw new CliError('unavailable', 'the event stream is empty');
        for await (const event of readEventStream(response.body)) {
          failures = 0;
          if (event.id !== '') lastId = event.id;
          yield event;
          if (event.type === 'end') return;
        }
      } catch (error) {
        if (signal.aborted) return;
        const mayHeal = !(error instanceof CliError) || error.exit === 'unavailable';
        if (!mayHeal || failures >= 4 || lastId === undefined) throw error;
      }
      if (signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** failures));
    }
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
      neverSent ? 'Start it with "blackboard up", or name another with --url or BLACKBOARD_URL.' : 'Send it again with the same key: that is safe.', { code: unknown ? 'APPEND_UNKNOWN' : 'INGRESS_UNAVAILABLE' });
  }
}

/** The client that options and environment ask for. */
export function clientFor(options: { readonly url?: string }, env: NodeJS.ProcessEnv): IngressClient {
  return new IngressClient(options.url ?? (env['BLACKBOARD_URL'] || defaultUrl), env['BLACKBOARD_API_KEY'] ?? '');
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
  return new CliError(exitOfStatus(answer.status), `${said('message') || `the service answered ${answer.status}`}${reason}`, said('hint'), { status: answer.status, ...body });
}

export function exitOfStatus(status: number): keyof typeof exitCodes {
  if (status === 404) return 'notFound';
  return status >= 500 || status === 429 ? 'unavailable' : 'refused';
}
