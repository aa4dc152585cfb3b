import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HistoryFile } from './history-file.js';
import { IngressClient } from './ingress-client.js';

test('notes a submission as refused only where the answer says that the log does not have it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'blackboard-history-'));
  const ctrlC = new AbortController();
  const answers: Readonly<Record<string, number>> = { bad: 400, unknown: 401, reused: 409, busy: 429, away: 503, nowhere: 404 };
  const server = createServer((request, response) => {
    const status = answers[request.headers['idempotency-key'] as string];
    // In the log, and before it is answered whoever submitted stops.
    if (status === undefined) return void ctrlC.abort();
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"code":"X","message":"x","hint":""}');
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    const client = new IngressClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '');
    const path = join(folder, 'history');
    for (const key of [...Object.keys(answers), 'interrupted']) {
      const note = new HistoryFile(path, { tenant: undefined, key });
      await client.json('/v1/jobs', { method: 'POST', body: {}, headers: { 'idempotency-key': key }, signal: ctrlC.signal }).then(() => assert.fail('it was answered'), (error: unknown) => note.failed(error));
    }
    const lines = (await readFile(path, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { key: string; outcome: string });
    assert.deepEqual(Object.fromEntries(lines.map(({ key, outcome }) => [key, outcome])), {
      bad: 'refused', unknown: 'refused', reused: 'unknown', busy: 'unknown', away: 'unknown', nowhere: 'unknown', interrupted: 'unknown',
    });
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
});
