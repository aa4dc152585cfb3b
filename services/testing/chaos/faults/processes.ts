import { setTimeout as sleep } from 'node:timers/promises';
import { loadWorkflows } from '../../../../workflows/load-workflows.js';
import { loadPolicy } from '../../../../workflows/policy.js';
import { runAgents } from '../../../agents/sdk/run-agents.js';
import { machineEffects } from '../../../orchestrator/machine-effects.js';
import { startOrchestrator } from '../../../orchestrator/start-orchestrator.js';
import { Keyring } from '../../../runtime/keyring.js';
import { createLogger } from '../../../runtime/logger.js';
import { kafkaLog } from '../../../runtime/log/kafka/kafka-log.js';
import { noSeams } from '../../../runtime/seams.js';
import { agent as checker } from '../agents/checker.js';
import { agent as worker } from '../agents/worker.js';
import { replicas, type Kind } from '../fleet.js';
import { count, type World } from '../world.js';
import type { Fault } from './fault.js';

const kinds = Object.keys(replicas) as Kind[];

export const kill: Fault = {
  name: 'kill', number: 'C1', does: 'SIGKILL of a random process, at most one of a group per two session timeouts', outcome: 'DELAY',
  shows: 'processes ended by SIGKILL and started again', everyMs: [2_000, 2_000],
  async strike({ fleet, journal }, dice) {
    const eligible = kinds.filter((kind) => fleet.mayStrike(kind));
    if (eligible.length === 0) return false;
    // Each kind is killed before any is killed again.
    const killed = (kind: Kind): number => journal.kills.filter((each) => each.kind === kind).length;
    const least = Math.min(...eligible.map(killed));
    const seat = dice.pick(fleet.of(dice.pick(eligible.filter((kind) => killed(kind) === least))));
    const pid = seat.running?.child.pid;
    fleet.kill(seat);
    journal.note('kill', [seat.kind], `${seat.kind} ${seat.index} (${pid})`);
    return true;
  },
  isOwed: ({ journal }) => kinds.some((kind) => journal.kills.every((each) => each.kind !== kind)),
  effects: ({ world }) => world.fleet.exits.filter(({ by, code }) => by === 'kill' && code === 'SIGKILL').length,
};

export const zombie: Fault = {
  name: 'zombie', number: 'C2', does: 'SIGSTOP of an owner, worker or projector beyond its session, then SIGCONT', outcome: 'MASK',
  shows: 'partitions taken over while their owner stood still', everyMs: [18_000, 30_000],
  async strike({ fleet, follower, journal, options }, dice) {
    const kind = dice.pick(['orchestrator', 'orchestrator', 'worker', 'projector'] as const);
    if (!fleet.mayStrike(kind)) return false;
    // An owner without a partition has nothing that could be taken over.
    const owners = new Set([...new Map(follower.ownerships.map(({ partition, owner }) => [partition, owner])).values()].flatMap((owner) => owner.split('-')));
    const candidates = fleet.of(kind).filter(({ running }) => kind !== 'orchestrator' || owners.has(String(running?.child.pid)));
    if (candidates.length === 0) return false;
    const seat = dice.pick(candidates);
    const forMs = options.sessionTimeoutMs + dice.between(1_000, 3_000);
    const incident = journal.begin('zombie', [kind], `${kind} ${seat.index} (${seat.running?.child.pid}) stands still for ${forMs} ms`);
    fleet.freeze(seat, forMs);
    await sleep(forMs + options.sessionTimeoutMs);
    journal.end(incident);
    return true;
  },
  effects: ({ world }) => world.journal.incidents.filter(({ fault, about, atMs, untilMs }) => fault === 'zombie'
    && (!about.startsWith('orchestrator') || world.follower.ownerships.some((own) => own.atMs > atMs && own.atMs < untilMs))).length,
};

export const burst: Fault = {
  name: 'burst', number: 'C7', does: 'members join and leave the groups of orchestrators and agents every 200 ms', outcome: 'DELAY',
  shows: 'members that joined and left, and epochs that began meanwhile', everyMs: [35_000, 50_000],
  async strike(world, dice) {
    const incident = world.journal.begin('burst', ['orchestrator', 'worker', 'checker'], 'members join and leave every 200 ms');
    for (const kind of ['orchestrator', 'worker', 'checker'] as const) world.fleet.struck(kind);
    const stays: Promise<void>[] = [];
    for (let n = 0; n < 15; n += 1) {
      const stay = n % 3 === 0 ? ownerForAMoment(world) : agentForAMoment(world, dice.chance(0.5) ? worker : checker);
      stays.push(stay.then(() => count(world, 'burst members'), () => count(world, 'burst members refused')));
      await sleep(200);
    }
    await Promise.all(stays);
    world.journal.end(incident);
    return true;
  },
  effects: ({ world }) => world.counts.get('burst members') ?? 0,
};

const stayMs = 200;

async function ownerForAMoment({ cluster, options, principalsFile, workflowsDir }: World): Promise<void> {
  const { workflows, contracts } = await loadWorkflows([workflowsDir]);
  const log = kafkaLog({ brokers: [String(cluster.env['KAFKA_BROKERS'])], clientId: 'burst' });
  try {
    const orchestrator = await startOrchestrator({
      ...machineEffects, log, codec: cluster.codec, keyring: new Keyring(cluster.keys), topics: cluster.topics, logger: createLogger({ service: 'burst', level: 'silent' }), seams: noSeams,
      contracts, policy: loadPolicy({ principalsFile }, { workflows }), partitions: cluster.partitions, instance: 'burst', sessionTimeoutMs: options.sessionTimeoutMs,
    });
    await sleep(stayMs);
    await orchestrator.close();
  } finally {
    await log.close();
  }
}

async function agentForAMoment({ cluster, options }: World, agent: typeof worker): Promise<void> {
  const log = kafkaLog({ brokers: [String(cluster.env['KAFKA_BROKERS'])], clientId: 'burst' });
  try {
    const agents = await runAgents({
      agents: [agent], log, codec: cluster.codec, keyring: new Keyring(cluster.keysFor('agents', agent.name)), topics: cluster.topics,
      // Without a gateway: what it is asked in that moment and needs one fails, and is asked again.
      gateway: null, logger: createLogger({ service: 'burst', level: 'silent' }), sessionTimeoutMs: options.sessionTimeoutMs, startAtMs: Date.now() - 60_000,
    });
    await sleep(stayMs);
    await agents.drain();
  } finally {
    await log.close();
  }
}

export const clock: Fault = {
  name: 'clock', number: 'C9', does: "an orchestrator's, projector's or ingress's wall clock jumps an hour ahead or behind", outcome: 'DELAY',
  shows: 'jumps; a member of a group whose clock is set back halts by design, and is started again', everyMs: [8_000, 14_000],
  async strike(world, dice) {
    const kind = dice.pick(['orchestrator', 'projector', 'ingress'] as const);
    const [, seat] = world.fleet.of(kind);
    // A process that is killed starts with the right clock again. One that halts over it is a strike like any other.
    if (!world.fleet.mayStrike(kind) || seat === undefined || !world.fleet.signal(seat, 'SIGUSR2')) return false;
    world.fleet.struck(kind);
    count(world, 'clock jumps');
    world.journal.note('clock', [seat.kind], `${seat.kind} 1 jumps`);
    return true;
  },
  effects: ({ world }) => world.counts.get('clock jumps') ?? 0,
};
