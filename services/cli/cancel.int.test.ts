import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { buildProgram } from './program.js';
import { CliError } from './exit-codes.js';
import { json } from './scripted-ingress-rig.js';

const job = 'a'.repeat(32);

test('a cancellation can name the submission, and says that it is not judged yet instead of that there is no such job', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    json(response, 503, { code: 'NOT_FOUND', message: 'the submission is in the log and not judged yet' });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const terminal = { out: () => undefined, err: () => undefined, columns: 80, rows: 24, isInteractive: false, isErrInteractive: false, colors: {} as never };
  const program = buildProgram({ terminal, env: {}, stopped: new AbortController().signal, readStdin: async () => Buffer.alloc(0), finish: () => undefined });
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await assert.rejects(program.parseAsync(['cancel', job, '--submission', '7', '--url', url], { from: 'user' }), (error: unknown) => error instanceof CliError && error.exit === 'unavailable' && /not judged yet/.test(error.message));
    assert.deepEqual([...new Set(asked)], [`POST /v1/jobs/${job}/cancel?submission=7`]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
