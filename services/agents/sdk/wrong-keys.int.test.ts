// Agents beside the real gateway over HTTP, where the key files of the two do not match, and where the gateway knows who
// asks and says no.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { z } from 'zod';
import { noteContract } from '../../../workflows/noop/contracts.js';
import { startGateway, type Gateway } from '../../gateway/start-gateway.js';
import { openDiskBodyStore } from '../../runtime/bodies/disk-body-store.js';
import { systemClock, type Clock } from '../../runtime/clock.js';
import { Keyring } from '../../runtime/keyring.js';
import { createLogger } from '../../runtime/logger.js';
import { testJob, until, VerifiedFixture } from '../../runtime/log/testing-verified.js';
import { noopAgent } from '../noop/agent.js';
import type { Agent } from './agent.js';
import { runAgents, type RunningAgents } from './run-agents.js';

type Line = Readonly<Record<string, unknown>>;
const keyOf = (principal: string, fill: number) => ({ principal, keyId: 'k1', secret: Buffer.alloc(32, fill) });
const right = new Keyring([keyOf('noop', 1), keyOf('gateway', 2)]);
const ofAnotherSet = new Keyring([keyOf('noop', 3), keyOf('gateway', 2)]);

/** Asks a model once, and answers with a body that goes through the gateway. */
const asking: Agent = {
  ...noopAgent(),
  async run({ model, request, write }) {
    const answer = await model?.ask({ system: '', user: request.job, name: 'answer', shape: z.object({ word: z.string() }) });
    return { outcome: 'proposed', artifacts: [{ type: 'note', body: write(noteContract, { text: answer?.value.word ?? '' }), evidence: [], confidence: 1, freshAtMs: request.requestedAtMs }] };
  },
};

async function rig(context: TestContext) {
  const fixture = new VerifiedFixture();
  fixture.marker();
  const folder = await mkdtemp(join(tmpdir(), 'wrong-keys-'));
  const bodies = await openDiskBodyStore(folder);
  const lines: Line[] = [];
  const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line) as Line) } });
  let modelCalls = 0;
  const models = async () => ({ value: { word: `asked ${modelCalls += 1}` }, modelId: 'm', fallbackTaken: '', usage: { modelCalls: 1, inputTokens: 1, outputTokens: 1, costMicros: 1 } });
  let gateway: Gateway | null = null;
  let running: RunningAgents | null = null;
  context.after(async () => {
    await running?.drain();
    await gateway?.close();
    await bodies.close();
    await rm(folder, { recursive: true });
  });
  return {
    fixture,
    said: (text: RegExp): readonly Line[] => lines.filter((line) => text.test(String(line['msg']))),
    modelCalls: () => modelCalls,
    /** Ends the one before; the same address. */
    gateway: async (keyring: Keyring): Promise<void> => {
      const port = gateway === null ? 0 : Number(new URL(gateway.url).port);
      await gateway?.close();
      gateway = await startGateway({ log: fixture.store.open(), codec: fixture.codec, keyring, topics: fixture.topics, bodies, models, port, host: '127.0.0.1', logger });
    },
    agents: async (clock: Clock = systemClock): Promise<RunningAgents> => {
      running = await runAgents({ agents: [asking], log: fixture.store.open(), codec: fixture.codec, keyring: right, topics: fixture.topics, gateway: { url: (gateway as Gateway).url }, logger, clock });
      return running;
    },
    request: (job: number, deadlineAtMs = 60_000, principal = 'noop'): void => {
      fixture.fact('StepRequested', { job: testJob(job), step: 'one', agent: 'noop', attempt: 1, delivery: 'reference', deadlineAtMs, capability: { principal, hashes: [], expiresAtMs: deadlineAtMs } });
    },
  };
}

test('jobs outlive key files that do not match: said once and loudly, tried again, served once they are mended, and each model asked once', async (context) => {
  const { fixture, said, modelCalls, gateway, agents, request } = await rig(context);
  await gateway(ofAnotherSet);
  request(1);
  request(2);
  await agents();
  await until(() => said(/^refused$/).length >= 6, 'requests that are tried again');
  assert.deepEqual(said(/refuses what noop signs/).map(({ level, principal, reason }) => [level, principal, reason]), [['error', 'noop', 'bad-signature']]);
  assert.match(String(said(/refuses what noop signs/)[0]?.['msg']), /key files .* do not match.*all\.json/);
  assert.deepEqual([fixture.claims(), modelCalls()], [[], 0]);
  await gateway(right);
  await until(() => fixture.claims().length === 2, 'both claims');
  assert.deepEqual(fixture.claims().map(({ type }) => type), ['ArtifactsProposed', 'ArtifactsProposed']);
  assert.equal(modelCalls(), 2);
  assert.equal(said(/takes what noop signs again/).length, 1);
  assert.equal(said(/refuses what noop signs/).length, 1);
});

test('a clock that is far off is told as that', async (context) => {
  const { fixture, said, gateway, agents, request } = await rig(context);
  await gateway(right);
  request(1);
  let aheadMs = 400_000;
  await agents({ ...systemClock, nowMs: () => Date.now() + aheadMs });
  await until(() => said(/refuses what noop signs: the clocks/).length === 1, 'the error');
  aheadMs = 0;
  await until(() => fixture.claims().length === 1, 'the claim');
  assert.equal(fixture.claims()[0]?.['type'], 'ArtifactsProposed');
});

test('an attempt that meets its deadline beside wrong keys is silent, as beside a gateway that is away', async (context) => {
  const { fixture, gateway, agents, request } = await rig(context);
  await gateway(ofAnotherSet);
  request(1, 300);
  const running = await agents();
  await until(() => running.stats().aborted === 1, 'the deadline');
  assert.deepEqual(fixture.claims(), []);
});

test('what the gateway refuses to who is known to it is reported as a failure at once', async (context) => {
  const { fixture, said, gateway, agents, request } = await rig(context);
  await gateway(right);
  request(1, 60_000, 'writer');
  await agents();
  await until(() => fixture.claims().length === 1, 'the failure');
  const [{ type, code } = {}] = fixture.claims();
  assert.deepEqual([type, code], ['FailureReported', 'gateway-refused']);
  assert.equal(said(/^refused$/).length, 1);
});
