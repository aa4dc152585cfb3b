import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IngressClient, Patience } from './ingress-client.js';
import { againstScript, endText, eventText, json } from './scripted-ingress-rig.js';

const hasty: Patience = { pauseMsMax: 20, patienceMs: 400 };

async function typesOf(client: IngressClient): Promise<readonly string[]> {
  const types: string[] = [];
  for await (const { type } of client.events('/', AbortSignal.timeout(20_000))) types.push(type);
  return types;
}

test('a reader of events outlives a service that is away for longer than a few tries, and goes on where it was', async () => {
  await againstScript((nth, response, request) => {
    if (nth === 1) return response.end(eventText(7, 'JobAccepted'));
    if (nth < 10) return nth % 2 === 0 ? json(response, 503, {}) : response.destroy();
    assert.equal(request.headers['last-event-id'], '7');
    response.end(eventText(8, 'JobEnded') + endText);
  }, async (client) => {
    assert.deepEqual(await typesOf(client), ['JobAccepted', 'JobEnded', 'end']);
  }, { ...hasty, patienceMs: 10_000 });
});

test('a stream of events that is ended again and again without its end is given up, as is a service that stays away', { timeout: 60_000 }, async () => {
  for (const rest of [(response: ServerResponse) => response.end(), (response: ServerResponse) => json(response, 503, {})]) {
    await againstScript((nth, response) => (nth === 1 ? response.end(eventText(7, 'JobAccepted')) : rest(response)), async (client) => {
      await assert.rejects(typesOf(client), { name: 'CliError', exit: 'unavailable' });
    }, hasty);
  }
});

test('a stream of events that stays silent for longer than the patience, but open, is not given up when it is cut', async () => {
  await againstScript(async (nth, response) => {
    if (nth === 8) return response.end(endText);
    response.write(': beat\n\n');
    await sleep(100);
    response.destroy();
  }, async (client) => {
    assert.deepEqual(await typesOf(client), ['end']);
  }, hasty);
});
