// A local OpenAI-compatible endpoint that answers as told: well, badly, late, never. Real HTTP on an ephemeral
// loopback port, so that the real client meets real failures.

import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Behaviour =
  | { readonly kind: 'answer'; readonly content: string | Uint8Array | null; readonly finish?: string; readonly refusal?: string; readonly usage?: unknown; readonly model?: string; readonly delayMs?: number }
  | { readonly kind: 'raw'; readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  /** Takes the request and never answers. */
  | { readonly kind: 'silent' }
  /** Sends headers and a byte now and then, for ever. */
  | { readonly kind: 'trickle' }
  /** Promises a body and closes the connection in the middle of it. */
  | { readonly kind: 'early-close' }
  /** Sends a body of so many bytes. */
  | { readonly kind: 'huge'; readonly bytes: number };

export interface ChatBody {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly max_completion_tokens?: number;
  readonly response_format?: { readonly type: string; readonly json_schema: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> } };
}

export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: ChatBody;
}

export interface OpenAiServer {
  /** To be used as OPENAI_BASE_URL. */
  readonly url: string;
  readonly requests: ReceivedRequest[];
  /** Bytes that were handed to the sockets of `huge` answers. */
  bytesSent: number;
  close(): Promise<void>;
}

/** Starts an endpoint that asks `behave` about every request, with its number from 0. */
export async function startOpenAiServer(behave: (body: ChatBody, index: number) => Behaviour): Promise<OpenAiServer> {
  const timers = new Set<NodeJS.Timeout>();
  const state: OpenAiServer = { url: '', requests: [], bytesSent: 0, close: async () => {} };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ChatBody;
      state.requests.push({ headers: request.headers, body });
      perform(behave(body, state.requests.length - 1), { response, body, state, timers });
    });
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return Object.assign(state, { url, close: () => close(server, timers) });
}

interface Exchange {
  readonly response: ServerResponse;
  readonly body: ChatBody;
  readonly state: OpenAiServer;
  readonly timers: Set<NodeJS.Timeout>;
}

function perform(behaviour: Behaviour, { response, body, state, timers }: Exchange): void {
  switch (behaviour.kind) {
    case 'answer': {
      const send = (): void => { response.writeHead(200, { 'content-type': 'application/json' }).end(completion(behaviour, body.model)); };
      if (behaviour.delayMs === undefined) send();
      else timers.add(setTimeout(send, behaviour.delayMs));
      return;
    }
    case 'raw':
      response.writeHead(behaviour.status, { 'content-type': 'application/json', ...behaviour.headers }).end(behaviour.body);
      return;
    case 'silent':
      return;
    case 'trickle':
      response.writeHead(200, { 'content-type': 'application/json' });
      timers.add(setInterval(() => response.write(' '), 20));
      return;
    case 'early-close':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"choices":[{"message":', () => response.destroy());
      return;
    case 'huge':
      response.writeHead(200, { 'content-type': 'application/json' });
      pour(response, behaviour.bytes, state);
  }
}

function pour(response: ServerResponse, bytes: number, state: OpenAiServer): void {
  const chunk = Buffer.alloc(65_536, 0x20);
  let left = bytes;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= chunk.length;
      state.bytesSent += chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', more);
        return;
      }
    }
    if (!response.destroyed) response.end();
  };
  more();
}

function completion(behaviour: Extract<Behaviour, { kind: 'answer' }>, model: string): Buffer {
  const { content } = behaviour;
  const rest = { finish_reason: behaviour.finish ?? 'stop', index: 0 };
  const frame = JSON.stringify({
    id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: behaviour.model ?? model,
    choices: [{ ...rest, message: { role: 'assistant', refusal: behaviour.refusal ?? null, content: content instanceof Uint8Array ? '@@' : content } }],
    usage: behaviour.usage === undefined ? { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 } : behaviour.usage,
  });
  if (!(content instanceof Uint8Array)) return Buffer.from(frame);
  const [before = '', after = ''] = frame.split('@@');
  return Buffer.concat([Buffer.from(before), jsonEscaped(content), Buffer.from(after)]);
}

/** Bytes as the inside of a JSON string, byte for byte: bad UTF-8 stays bad. */
function jsonEscaped(bytes: Uint8Array): Buffer {
  const parts = Array.from(bytes, (byte) => {
    if (byte === 0x22 || byte === 0x5c) return Buffer.from([0x5c, byte]);
    return byte < 0x20 ? Buffer.from(`\\u00${byte.toString(16).padStart(2, '0')}`) : Buffer.from([byte]);
  });
  return Buffer.concat(parts);
}

async function close(server: Server, timers: ReadonlySet<NodeJS.Timeout>): Promise<void> {
  for (const timer of timers) clearInterval(timer);
  server.closeAllConnections();
  await new Promise<void>((done) => { server.close(() => done()); });
}
