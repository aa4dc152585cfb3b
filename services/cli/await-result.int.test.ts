import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitResult } from './await-result.js';
import type { IngressClient } from './ingress-client.js';
import { againstScript, json } from './scripted-ingress-rig.js';
import type { Terminal } from './terminal.js';

const job = 'a'.repeat(32);
const never = new AbortController().signal;

/** What is said on stderr. */
function listener(): { readonly terminal: Terminal; readonly lines: readonly string[] } {
  const lines: string[] = [];
  return { lines, terminal: { out: () => undefined, err: (text) => { lines.push(text); }, columns: 80, rows: 24, isInteractive: false, isErrInteractive: false, colors: {} as never } };
}

test('who waits for a result is not refused by a service that takes no more waiters, and does not press it', async (t) => {
  let requests = 0;
  await againstScript((nth, response) => {
    requests = nth;
    json(response, 202, { state: 'open' });
  }, async (client) => {
    // The second pause ends 50 ms before the deadline: the last moment is not pressed either.
    t.mock.method(Math, 'random', () => 0.975);
    const answer = await awaitResult(client, { job, waitS: 4, accept: 'application/json', signal: never }, listener().terminal);
    assert.equal(answer.status, 202);
    assert.ok(requests >= 2 && requests <= 5, `${requests} requests in 4 s`);
  });
});

test('one cut connection and one 503 end no wait for a result, and are told once', { timeout: 60_000 }, async () => {
  await againstScript((nth, response) => (nth === 1 ? response.destroy() : nth === 2 ? json(response, 503, { message: 'away' }) : json(response, 200, { state: 'ended' })), async (client) => {
    const { terminal, lines } = listener();
    assert.equal((await awaitResult(client, { job, waitS: Infinity, accept: 'application/json', signal: never }, terminal)).status, 200);
    assert.equal(lines.filter((line) => line.includes('asking again')).length, 1, lines.join(''));
  });
});

test('a wait for a result ends at its deadline with what kept it, at once with a refusal or when it is stopped', { timeout: 60_000 }, async () => {
  const waitFor = (client: IngressClient, waitS: number, signal = never): Promise<unknown> => awaitResult(client, { job, waitS, accept: 'application/json', signal }, listener().terminal);
  await againstScript((_nth, response) => json(response, 503, { message: 'away' }), async (client) => {
    await assert.rejects(waitFor(client, 0.3), { exit: 'unavailable', message: 'away' });
    await assert.rejects(waitFor(client, Infinity, AbortSignal.timeout(300)), { exit: 'interrupted' });
  });
  await againstScript((_nth, response) => json(response, 404, {}), async (client) => {
    await assert.rejects(waitFor(client, Infinity), { exit: 'notFound' });
  });
});
