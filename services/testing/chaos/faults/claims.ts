import { setTimeout as sleep } from 'node:timers/promises';
import type { Claim } from '../../../../schemas/generated/events.js';
import type { Dice } from '../../simulation/dice.js';
import { answerFields, artifact, verdictsOn, type ClaimSender } from '../claims.js';
import type { OpenRequest } from '../log-follower.js';
import { count, type World } from '../world.js';
import type { Fault, Seen } from './fault.js';

/** Claims of a fault that the gate turned away. */
const turnedAway = (fault: string) => ({ decisions }: Seen): number => [...decisions(fault)].filter(([what]) => /^Claim(Refused|Parked|DeadLettered)/.test(what)).reduce((sum, [, count]) => sum + count, 0);

const copied: ReadonlySet<string> = new Set(['JobSubmitted', 'ArtifactsProposed', 'VerdictsPosted', 'FailureReported']);

export const duplicates: Fault = {
  name: 'duplicates', number: 'C8', does: 'claims of the last seconds come again, up to four times', outcome: 'REJECT',
  shows: 'copies that were refused by the state they met', everyMs: [4_000, 7_000],
  async strike({ cluster, claims }, dice) {
    const ranges = await cluster.log.ranges(cluster.topics.quarantine).catch(() => []);
    for (const { partition, next } of ranges) {
      const from = Math.max(0, next - 20);
      const records = [];
      try {
        for await (const batch of cluster.log.read({ topic: cluster.topics.quarantine, partition, from, until: next })) records.push(...batch);
      } catch {
        return false; // the broker is away
      }
      for (const { key, value, offset } of records.filter((record) => copied.has(cluster.codec.peek(record.value)?.type ?? '') && dice.chance(0.3))) {
        for (let copies = dice.between(1, 4); copies > 0; copies -= 1) await claims.send({ fault: 'duplicates', about: 'a copy', key, value, partition, copyOf: `${partition}/${offset}` });
      }
    }
    return ranges.length > 0;
  },
  effects: turnedAway('duplicates'),
};

const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
const poisons: readonly (readonly [string, Buffer])[] = [
  ['not Avro', Buffer.from('{"not":"avro"}')], ['empty', Buffer.alloc(0)], ['wrong magic byte', Buffer.from([7, 0, 0, 0, 1, 2, 3])], ['unknown schema id', Buffer.from([0, 127, 255, 255, 255, 1, 2, 3])],
  ['bad UTF-8', Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.alloc(60, 0xff)])], ['deep nesting', Buffer.from(nested)], ['a huge length', Buffer.from([0, 0, 0, 0, 1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ['lone surrogate', Buffer.from([0, 0, 0, 0, 2, 6, 0xed, 0xa0, 0x80])], ['__proto__', Buffer.from('{"__proto__":{"polluted":true}}')], ['1e400', Buffer.from('{"n":1e400,"n":1e400}')],
];

export const poison: Fault = {
  name: 'poison', number: 'C15', does: 'records that no schema can read, of ten kinds, one in each partition', outcome: 'REJECT',
  shows: 'records parked or in the dead letters, each with its reason', everyMs: [5_000, 9_000],
  async strike({ claims, cluster, follower }, dice) {
    for (let partition = 0; partition < cluster.partitions; partition += 1) {
      const [about, value] = dice.pick(poisons);
      await claims.send({ fault: 'poison', about, key: Buffer.from('poison'), value, partition });
      const [request] = follower.recent;
      // Cut short, and followed by something: what begins like a claim of ours is the harder case.
      const whole = request === undefined ? Buffer.from([0, 0, 0, 0, 1]) : request.record.value;
      await claims.send({ fault: 'poison', about: 'cut short', key: Buffer.from('poison'), value: whole.subarray(0, Math.floor(whole.length * dice.next())), partition });
    }
    return true;
  },
  effects: turnedAway('poison'),
};

export const foreignSchema: Fault = {
  name: 'foreign-schema', number: 'C17', does: 'a producer registers an incompatible schema, and writes under one of its own', outcome: 'REJECT',
  shows: 'the registration was refused, and the records turned away', everyMs: [12_000, 20_000],
  async strike(world) {
    const { servers: { registry }, cluster, claims } = world;
    const post = (subject: string, avro: unknown): Promise<Response> => fetch(`${registry.url}/subjects/${encodeURIComponent(subject)}/versions`, {
      method: 'POST', headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' }, body: JSON.stringify({ schema: JSON.stringify(avro) }), signal: AbortSignal.timeout(5_000),
    });
    try {
      const subject = (await (await fetch(`${registry.url}/subjects`, { signal: AbortSignal.timeout(5_000) })).json() as string[]).find((name) => name.startsWith(cluster.topics.quarantine) && name.endsWith('.JobSubmitted'));
      if (subject === undefined) return false;
      const [, full = ''] = /-([^-]*\.JobSubmitted)$/.exec(subject) ?? [];
      const refused = await post(subject, { type: 'record', name: full.split('.').at(-1), namespace: full.split('.').slice(0, -1).join('.'), fields: [{ name: 'type', type: 'long' }] });
      if (refused.status === 409 || refused.status === 422) count(world, 'incompatible schemas refused');
      const own = await (await post(`${cluster.topics.quarantine}-foreign`, { type: 'record', name: 'Foreign', fields: [{ name: 'n', type: 'int' }] })).json() as { id: number };
      const frame = Buffer.alloc(6);
      frame.writeInt32BE(own.id, 1);
      frame[5] = 14;
      await claims.send({ fault: 'foreign-schema', about: 'a schema of its own', key: Buffer.from('foreign'), value: frame });
      return true;
    } catch {
      return false; // the registry is away
    }
  },
  effects: (seen) => Math.min(seen.world.counts.get('incompatible schemas refused') ?? 0, turnedAway('foreign-schema')(seen)),
};

export const hostile: Fault = {
  name: 'hostile', number: 'C18', does: 'an agent with real keys forges, replays and misdirects verdicts and answers, and verifies its own work', outcome: 'REJECT',
  shows: 'forgeries that were refused, each with a reason', everyMs: [2_000, 4_000],
  async strike({ follower, claims }, dice) {
    if (follower.recent.length === 0) return false;
    for (let n = 0; n < 6; n += 1) await forge(claims, dice.pick(follower.recent), dice);
    return true;
  },
  effects: turnedAway('hostile'),
};

interface Forgery {
  readonly about: string;
  readonly type: Claim['type'];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly by: { readonly principal: string; readonly named?: string };
  /** Sent where the job does not belong. */
  readonly isAstray?: true;
}

async function forge(claims: ClaimSender, { fact, record }: OpenRequest, dice: Dice): Promise<void> {
  const answer = answerFields(fact, record.offset);
  const hashes = fact.type === 'VerificationRequested' ? fact.candidates.map(({ hash }) => hash) : ['a'.repeat(64)];
  const note = artifact(Buffer.from('no note of the contract'));
  const stranger = fact.agent === 'worker' ? 'checker' : 'worker';
  const forgeries: readonly Forgery[] = [
    { about: "a verdict under the verifier's name", type: 'VerdictsPosted', fields: { ...answer, ...verdictsOn(hashes), agent: 'checker' }, by: { principal: 'worker', named: 'checker' } },
    { about: 'a verdict by the producer', type: 'VerdictsPosted', fields: { ...answer, ...verdictsOn(hashes) }, by: { principal: 'worker' } },
    { about: 'a verdict by a second name', type: 'VerdictsPosted', fields: { ...answer, ...verdictsOn(hashes), agent: 'twin' }, by: { principal: 'twin' } },
    { about: 'a verdict on another hash', type: 'VerdictsPosted', fields: { ...answer, ...verdictsOn(['e'.repeat(64)]), requestOffset: record.offset + 1 }, by: { principal: 'checker' } },
    { about: 'an answer by another agent', type: 'ArtifactsProposed', fields: { ...answer, ...note, agent: stranger }, by: { principal: stranger } },
    { about: 'an answer to another request', type: 'ArtifactsProposed', fields: { ...answer, ...note, requestOffset: record.offset + 7 }, by: { principal: 'worker' } },
    { about: 'an answer to an attempt to come', type: 'ArtifactsProposed', fields: { ...answer, ...note, attempt: fact.attempt + 1 }, by: { principal: 'worker' } },
    { about: 'an answer for another tenant', type: 'ArtifactsProposed', fields: { ...answer, ...note, tenant: 'initech' }, by: { principal: 'worker' } },
    { about: 'an answer for another life of the job', type: 'ArtifactsProposed', fields: { ...answer, ...note, instance: fact.instance + 1 }, by: { principal: 'worker' } },
    { about: 'an answer signed as ingress', type: 'ArtifactsProposed', fields: { ...answer, ...note }, by: { principal: 'ingress' } },
    { about: 'a submission by an agent', type: 'JobSubmitted', fields: { tenant: 'acme', job: 'f'.repeat(32), idempotencyKey: 'forged', workflow: 'chaos-plain', params: '{}', deadlineMs: 0, costCapMicros: 0, goal: '' }, by: { principal: 'worker' } },
    { about: 'an answer in a foreign partition', type: 'ArtifactsProposed', fields: { ...answer, ...note }, by: { principal: 'worker' }, isAstray: true },
  ];
  const { about, type, fields, by, isAstray } = dice.pick(forgeries);
  const job = typeof fields['job'] === 'string' ? fields['job'] : '';
  const partition = (claims.partitionOf(job) + (isAstray === true ? 1 : 0)) % claims.partitions;
  await claims.send({ fault: 'hostile', about, key: Buffer.from(job), value: claims.signed(type, { ...fields, signature: Buffer.alloc(0) }, by), partition });
}

export const flood: Fault = {
  name: 'flood', number: 'C19', does: 'an agent with real keys floods quarantine with 1,000 answers that nobody asked for', outcome: 'REJECT',
  shows: 'answers that were refused', everyMs: [25_000, 40_000],
  async strike(world) {
    const { claims, journal } = world;
    const incident = journal.begin('flood', [], '1,000 answers that nobody asked for');
    const waves = Array.from({ length: 10 }, (_, wave) => Array.from({ length: 100 }, (_, n) => `${wave}${n}`.padStart(32, '0')));
    for (const wave of waves) {
      await Promise.all(wave.map((job) => claims.send({
        fault: 'flood', about: 'an answer for no job', key: Buffer.from(job),
        value: claims.signed('ArtifactsProposed', { step: 'one', agent: 'worker', tenant: 'acme', job, instance: 1, attempt: 1, requestOffset: 1, usage: { modelCalls: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 }, fallbackTaken: '', ...artifact(Buffer.from(job)), signature: Buffer.alloc(0) }, { principal: 'worker' }),
      })));
    }
    await sleep(1_000);
    journal.end(incident);
    return true;
  },
  effects: turnedAway('flood'),
};

export const hotTenant: Fault = {
  name: 'hot-tenant', number: 'C10', does: "a crowd of one tenant's jobs at once, while a reader stands still for less than its session", outcome: 'DELAY',
  shows: "the crowd's jobs, accepted beside the others'", everyMs: [28_000, 40_000],
  async strike(world: World, dice) {
    const { load, fleet, journal } = world;
    const size = dice.between(100, 200);
    load.crowd('hot', size);
    const [slow] = fleet.of('projector');
    const incident = journal.begin('hot-tenant', ['projector'], `${size} jobs of one tenant`);
    if (slow !== undefined && slow.state === 'up' && fleet.signal(slow, 'SIGSTOP')) {
      await sleep(1_500);
      fleet.signal(slow, 'SIGCONT');
    }
    journal.end(incident);
    return true;
  },
  effects: ({ world }) => [...world.follower.jobs.values()].filter(({ tenant }) => tenant === 'hot').length,
};
