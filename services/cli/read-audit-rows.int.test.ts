import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IngressClient } from './ingress-client.js';
import { readAuditRows } from './read-audit-rows.js';
import { againstScript, endText, eventText, json, type Script } from './scripted-ingress-rig.js';

const job = 'a'.repeat(32);
const never = new AbortController().signal;

/** A service whose job is in `state`, and whose events come after the pause that each names. */
function jobIn(status: object, events: readonly (readonly [afterMs: number, text: string])[]): Script {
  return async (_nth, response, request) => {
    if (!(request.url ?? '').includes('/events')) return json(response, 200, status);
    for (const [afterMs, text] of events) {
      await sleep(afterMs);
      if (response.destroyed) return;
      response.write(text);
    }
  };
}

const view = {
  job, instance: 1, partition: 0, tenant: 'default', outcome: null, reason: null, workflow: null, workflowVersion: null, goal: null, correlation: null, onBehalfOf: null,
  acceptedAtMs: null, deadlineAtMs: null, endedAtMs: null, latencyMs: null, costMicros: 0,
  attemptsRequested: 0, attemptsFailed: 0, stepsCompleted: 0, stepsFailed: 0, artifactsVerified: 0, artifactsRejected: 0,
};

test('all rows of a job that has ended are read, also when a page of them takes its time', async () => {
  await againstScript(jobIn({ ...view, state: 'ended' }, [[0, eventText(7, 'JobAccepted')], [1_200, eventText(8, 'JobEnded') + endText]]), async (client) => {
    const { rows, isOpen } = await readAuditRows(client, job, { signal: never });
    assert.deepEqual([rows.map(({ event }) => event.eventType), isOpen], [['JobAccepted', 'JobEnded'], false]);
  });
});

test('the rows of an open job are those so far, and it is said that it is open', async () => {
  await againstScript(jobIn({ ...view, state: 'open' }, [[0, eventText(7, 'JobAccepted')]]), async (client) => {
    const { rows, isOpen } = await readAuditRows(client, job, { signal: never, quietMs: 300 });
    assert.deepEqual([rows.map(({ event }) => event.eventType), isOpen], [['JobAccepted'], true]);
  });
});

test('the rows of a busy open job are given though it never falls silent, with all that were committed when it was asked', async (t) => {
  // Time goes on between two rows only: on a real clock a machine that stands still for a moment would be a silence.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const slowly = ['JobAccepted', 'StepRequested', 'StepRequested', 'StepCompleted'].map((type) => [200, type] as const);
  const forEver = Array.from({ length: 1_000 }, () => [50, 'ClaimRefused'] as const);
  const client = {
    json: () => Promise.resolve({ ...view, state: 'open', attemptsRequested: 2, stepsCompleted: 1 }),
    async *events(_path: string, signal: AbortSignal) {
      for (const [index, [afterMs, eventType]] of [...slowly, ...forEver].entries()) {
        t.mock.timers.tick(afterMs);
        if (signal.aborted) return;
        yield { id: String(index), type: eventType, data: JSON.stringify({ offset: index, partition: 0, tsMs: 0, eventType }) };
      }
    },
  } as unknown as IngressClient;
  const { rows, isOpen } = await readAuditRows(client, job, { signal: never, quietMs: 400 });
  const types = rows.map(({ event }) => event.eventType);
  assert.deepEqual([types.slice(0, 4), isOpen], [['JobAccepted', 'StepRequested', 'StepRequested', 'StepCompleted'], true]);
  assert.ok(types.length > 4 && types.length < 100, `${types.length} rows`);
});
