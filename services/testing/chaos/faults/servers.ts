import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour } from '../../openai-server.js';
import { lieMark } from '../agents/checker.js';
import { count } from '../world.js';
import type { Fault } from './fault.js';

export const broker: Fault = {
  name: 'broker', number: 'C3', does: 'SIGKILL of the broker, the only one, and started again after 0–4 s', outcome: 'DELAY',
  shows: 'a broker with another process id; ingress answers 503 or nothing meanwhile', everyMs: [60_000, 90_000], timesMax: 2,
  async strike(world, dice) {
    const { servers: { broker: server }, journal } = world;
    const before = server.pid;
    const incident = journal.begin('broker', ['all'], `the broker (${before}) is killed`);
    server.kill();
    await sleep(dice.between(0, 4_000));
    await server.restart();
    if (server.pid !== before) count(world, 'broker restarts');
    // Groups and leaders settle for a while after it answers.
    await sleep(world.options.sessionTimeoutMs);
    journal.end(incident);
    return true;
  },
  effects: ({ world }) => world.counts.get('broker restarts') ?? 0,
};

export const postgres: Fault = {
  name: 'postgres', number: 'C5', does: 'Postgres stopped immediately, and started again after 0.3–2.5 s', outcome: 'DELAY',
  shows: 'recoveries in its log; the projector goes on where it stood', everyMs: [5_000, 10_000],
  async strike(world, dice) {
    const { servers: { postgres: server }, journal } = world;
    const incident = journal.begin('postgres', ['gateway', 'projector', 'ingress'], 'Postgres is stopped immediately');
    await server.stop('immediate');
    await sleep(dice.between(300, 2_500));
    await server.restart();
    count(world, 'Postgres restarts');
    journal.end(incident);
    return true;
  },
  effects: ({ world }) => world.counts.get('Postgres restarts') ?? 0,
};

export const logReplies: Fault = {
  name: 'log-replies', number: 'C6', does: 'replies of the broker to every second replica are lost, or requests are', outcome: 'MASK',
  shows: 'requests and replies that the proxy lost', everyMs: [9_000, 15_000],
  async strike({ servers: { logProxy }, journal, options }, dice) {
    const mode = dice.pick(['loseReplies', 'cutOnReply', 'loseAll'] as const);
    const incident = journal.begin('log-replies', ['all'], mode);
    // Large enough for appends; what only reads and beats goes on.
    logProxy.requestBytesMin = dice.pick([0, 400, 400]);
    logProxy.mode = mode;
    await sleep(dice.between(200, 2_500));
    logProxy.mode = 'pass';
    logProxy.cutAll();
    await sleep(options.sessionTimeoutMs);
    journal.end(incident);
    return true;
  },
  effects: ({ world }) => world.servers.logProxy.losses,
};

export const commitReplies: Fault = {
  name: 'commit-replies', number: 'C6', does: "Postgres's replies to one projector are lost: whether it committed is not known", outcome: 'MASK',
  shows: 'replies that the proxy lost', everyMs: [7_000, 12_000],
  async strike({ servers: { postgresProxy }, journal }, dice) {
    const mode = dice.pick(['cutOnReply', 'loseReplies'] as const);
    const incident = journal.begin('commit-replies', ['projector'], mode);
    postgresProxy.mode = mode;
    await sleep(dice.between(100, 800));
    postgresProxy.mode = 'pass';
    postgresProxy.cutAll();
    journal.end(incident);
    return true;
  },
  effects: ({ world }) => world.servers.postgresProxy.losses,
};

export const registry: Fault = {
  name: 'registry', number: 'C12', does: 'the schema registry is killed, hangs, fails or talks nonsense for 3–8 s', outcome: 'MASK',
  shows: 'outages during which facts went on', everyMs: [16_000, 26_000],
  async strike(world, dice) {
    const { servers: { registry: server, registryFront }, journal, follower } = world;
    const how = dice.pick(['killed', 'hang', 'error', 'nonsense'] as const);
    const incident = journal.begin('registry', [], how);
    const before = follower.facts;
    if (how === 'killed') server.kill();
    else registryFront.mode = how;
    await sleep(dice.between(3_000, 8_000));
    if (follower.facts > before) count(world, 'facts went on without registry');
    registryFront.mode = 'pass';
    if (how === 'killed') await server.restart();
    journal.end(incident);
    return true;
  },
  effects: ({ world }) => world.counts.get('facts went on without registry') ?? 0,
};

const cut = '{"text":"cut in the mid';
const misbehaviours: readonly Behaviour[] = [
  { kind: 'raw', status: 429, body: '{"error":{"message":"slow down"}}', headers: { 'retry-after': '1' } },
  { kind: 'raw', status: 429, body: '{"error":{"message":"slow down"}}', headers: { 'retry-after': '3600' } },
  { kind: 'raw', status: 500, body: '{"error":{"message":"as told"}}' },
  { kind: 'silent' }, { kind: 'trickle' }, { kind: 'early-close' },
  { kind: 'answer', content: '' }, { kind: 'answer', content: null }, { kind: 'answer', content: cut, finish: 'length' }, { kind: 'answer', content: '{"text":7}' },
  { kind: 'answer', content: JSON.stringify({ text: `${lieMark}: it is done` }) }, { kind: 'huge', bytes: 100 * 1024 * 1024 },
];

export const model: Fault = {
  name: 'model', number: 'C13', does: 'the model endpoint limits, fails, hangs, trickles, cuts, lies or floods for 4 s', outcome: 'DELAY',
  shows: 'requests that were answered badly', everyMs: [12_000, 20_000],
  async strike(world, dice) {
    const { servers: { model: server }, journal } = world;
    const incident = journal.begin('model', [], 'the model misbehaves');
    server.behave = () => {
      count(world, 'bad model answers');
      return dice.pick(misbehaviours);
    };
    await sleep(4_000);
    server.behave = null;
    journal.end(incident);
    return true;
  },
  effects: ({ world }) => world.counts.get('bad model answers') ?? 0,
};
