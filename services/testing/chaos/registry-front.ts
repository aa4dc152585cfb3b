// Stands before the schema registry and answers as told: the registry's own answer, none, an error, or nonsense.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type RegistryMode = 'pass' | 'hang' | 'error' | 'nonsense';

export interface RegistryFront {
  readonly url: string;
  mode: RegistryMode;
  /** Requests that were not passed on. */
  failed: number;
  close(): Promise<void>;
}

/** @param target - `http://host:port/path` of the registry. */
export async function startRegistryFront(target: string): Promise<RegistryFront> {
  const { origin, pathname } = new URL(target);
  const state: RegistryFront = { url: '', mode: 'pass', failed: 0, close: async () => undefined };
  const server = createServer((request, response) => void answer(request, response, { origin, state }).catch(() => response.destroy()));
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((done) => { server.close(() => done()); });
    },
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, { origin, state }: { readonly origin: string; readonly state: RegistryFront }): Promise<void> {
  const body: Buffer[] = [];
  for await (const chunk of request) body.push(chunk as Buffer);
  if (state.mode !== 'pass') {
    state.failed += 1;
    if (state.mode === 'hang') {
      while ((state.mode as RegistryMode) === 'hang' && !response.destroyed) await sleep(100);
      response.destroy();
      return;
    }
    if (state.mode === 'error') response.writeHead(500, { 'content-type': 'application/json' }).end('{"error_code":50001,"message":"as told"}');
    if (state.mode === 'nonsense') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>not a registry</html>');
    return;
  }
  const passed = await fetch(`${origin}${request.url ?? ''}`, {
    method: request.method ?? 'GET', headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
    ...(body.length === 0 ? {} : { body: Buffer.concat(body) }), signal: AbortSignal.timeout(10_000),
  });
  response.writeHead(passed.status, { 'content-type': passed.headers.get('content-type') ?? 'application/json' }).end(Buffer.from(await passed.arrayBuffer()));
}
