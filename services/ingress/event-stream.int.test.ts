import assert from 'node:assert/strict';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { until } from '../testing/log-contract-rig.js';
import { CommitBell } from './commit-bell.js';
import { pageRows, streamEvents } from './event-stream.js';
import type { AuditEvent } from './job-reader.js';

interface Served {
  readonly response: IncomingMessage;
  readonly server: Server;
  readonly done: Promise<void>;
}

/** Serves one stream and opens it as a client that reads nothing yet. */
async function serve(read: (after: number) => Promise<readonly AuditEvent[]>, bell: CommitBell, heartbeatMs = 60_000): Promise<Served> {
  let finish: () => void = () => {};
  const done = new Promise<void>((resolve) => { finish = resolve; });
  const server = createServer((_request, response) => void streamEvents({ response, read, bell, after: -1, heartbeatMs }).then(finish));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve) => get({ host: '127.0.0.1', port }, resolve));
  return { response, server, done };
}

function close({ server, response }: Served, bell: CommitBell): Promise<void> {
  bell.close();
  response.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}

test('rows are read no faster than the caller takes them', async () => {
  const bell = new CommitBell(undefined);
  let pages = 0;
  const endless = async (after: number): Promise<readonly AuditEvent[]> => {
    pages += 1;
    return Array.from({ length: pageRows }, (_, index) => ({ offset: after + 1 + index, eventType: 'StepRequested', detail: 'x'.repeat(10_000) }));
  };
  const served = await serve(endless, bell);
  // What the sockets hold is read first, however long that takes here.
  let read = -1;
  while (pages !== read && pages < 50) {
    read = pages;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.equal(pages, read, 'nothing more is read while the caller takes nothing');
  assert.ok(read > 0 && read < 50, `${read} pages of 1 MB`);
  await close(served, bell);
  await served.done;
});

test('a quiet stream shows that it is alive, and ends when the door closes', async () => {
  const bell = new CommitBell(undefined, 10);
  const served = await serve(async () => [], bell, 30);
  let text = '';
  served.response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; });
  await until('two beats', () => (text.match(/^: beat$/gm) ?? []).length >= 2);
  bell.close();
  await served.done;
  await close(served, bell);
});

test('a ring wakes the stream before it would have looked again', async () => {
  let ring: () => void = () => {};
  const bell = new CommitBell((listener) => {
    ring = listener;
    return () => {};
  }, 60_000);
  const rows: AuditEvent[] = [];
  const served = await serve(async (after) => rows.filter((row) => row.offset > after), bell);
  served.response.resume();
  while (bell.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  rows.push({ offset: 3, eventType: 'JobEnded' });
  const startedMs = Date.now();
  ring();
  await served.done;
  assert.ok(Date.now() - startedMs < 30_000);
  await close(served, bell);
});

test('a ring that comes while rows are read is not waited for again', { timeout: 60_000 }, async () => {
  let ring: () => void = () => {};
  const bell = new CommitBell((listener) => { ring = listener; return () => {}; }, 60_000);
  let reads = 0;
  const served = await serve(async () => {
    reads += 1;
    if (reads > 1) return [{ offset: 1, eventType: 'JobEnded' }];
    ring();
    return [];
  }, bell);
  served.response.resume();
  await served.done;
  await close(served, bell);
});
