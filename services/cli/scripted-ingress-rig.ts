// For tests of what the command asks of ingress: a service that answers by a script.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IngressClient, type Patience } from './ingress-client.js';

export type Script = (nth: number, response: ServerResponse, request: IncomingMessage) => unknown;

/** `use` with a client of a service that does `answer` with its nth request, from 1. */
export async function againstScript(answer: Script, use: (client: IngressClient) => Promise<void>, patience?: Patience): Promise<void> {
  let requests = 0;
  const server = createServer((request, response) => void answer(requests += 1, response, request));
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    await use(new IngressClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '', patience));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** A row of the event stream. */
export function eventText(offset: number, eventType: string): string {
  return `id: ${offset}\nevent: ${eventType}\ndata: ${JSON.stringify({ offset, partition: 0, tsMs: 0, eventType })}\n\n`;
}

export const endText = 'event: end\ndata: {}\n\n';
