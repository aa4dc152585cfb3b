// The bridge on a real broker and registry, with a real orchestrator behind it: each source record has exactly one
// accepted submission, or a visible refusal, whatever happens to the bridge's process.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import kafkajs, { type Admin, type Producer } from 'kafkajs';
import { sharedBroker, sharedRegistry, whatIsMissing } from '../../infra/local/for-tests.js';
import { applyTopics } from '../../infra/topics/apply.js';
import { jobId } from '../blackboard/ids.js';
import { foreignAvro } from '../runtime/codec/foreign-avro.js';
import { registryCodec } from '../runtime/codec/registry-codec.js';
import { keysText, makeKeys } from '../runtime/keys.js';
import { kafkaForeignSource } from '../runtime/log/kafka/foreign-consumer.js';
import { kafkaLog } from '../runtime/log/kafka/kafka-log.js';
import type { LogPort } from '../runtime/log/port.js';
import { projectRoot } from '../runtime/project-root.js';
import { checkLog, type LogReport } from '../testing/check-log.js';
import { NoopRig } from '../testing/noop-rig.js';
import { bridgeMapSchema, type BridgeMap } from './bridge-map.js';
import { startBridge, type Bridge, type BridgeOptions } from './bridge.js';

const skip = await whatIsMissing({ kafka: true, registry: true });
const main = fileURLToPath(new URL('./main.js', import.meta.url));
const sessionTimeoutMs = 6_000;
const keys = makeKeys(['bridge', 'ingress', 'orchestrator', 'noop', 'gateway'], 'test');

describe('the bridge on a real broker', { skip: skip ?? false, timeout: 300_000 }, () => {
  let broker: Awaited<ReturnType<typeof sharedBroker>>;
  let registry: Awaited<ReturnType<typeof sharedRegistry>>;
  let log: LogPort;
  let admin: Admin;
  let producer: Producer;
  let kafka: kafkajs.Kafka;
  const children = new Set<ChildProcess>();
  const folder = mkdtempSync(join(tmpdir(), 'bridge-'));

  before(async () => {
    [broker, registry] = await Promise.all([sharedBroker(), sharedRegistry()]);
    log = kafkaLog({ brokers: [broker.bootstrap], clientId: 'test' });
    kafka = new kafkajs.Kafka({ brokers: [broker.bootstrap], clientId: 'upstream', logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 10 } });
    admin = kafka.admin();
    producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await Promise.all([admin.connect(), producer.connect()]);
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([admin.disconnect(), producer.disconnect(), log.close()]);
    await Promise.all([broker.release(), registry.release()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const fresh = async (name: string, sourcePartitions = 1): Promise<{ rig: NoopRig; map: BridgeMap }> => {
    const id = `br-${name}-${process.pid}-${Date.now() % 100_000}`;
    await applyTopics({ brokers: [broker.bootstrap], clientId: 'test' }, { prefix: `${id}.`, partitions: 2, replication: 1, profile: 'local' });
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: `crm.${id}`, numPartitions: sourcePartitions, replicationFactor: 1 }] });
    const map = bridgeMapSchema.parse({
      name: 'crm', source: { topic: `crm.${id}`, group: `crm-${id}`, format: 'json' }, tenant: 'acme', workflow: 'noop', params: { question: { from: '/question', type: 'string' } },
    });
    return { rig: new NoopRig(2, `${id}.`, keys), map };
  };
  const inProcess = ({ rig, map }: { rig: NoopRig; map: BridgeMap }, over: Partial<BridgeOptions> = {}): Promise<Bridge> => startBridge({
    source: kafkaForeignSource({ brokers: [broker.bootstrap], clientId: 'bridge' }), group: map.source.group ?? '', map, avro: null, log, codec: rig.codec, keyring: rig.keyring,
    topics: rig.topics, partitions: 2, logger: rig.logger, sessionTimeoutMs, ...over,
  });
  /** Whether the group has stored positions at the source's end. */
  const drained = async ({ source: { topic, group } }: BridgeMap): Promise<boolean> => {
    const [ends, [stored]] = await Promise.all([admin.fetchTopicOffsets(topic), admin.fetchOffsets({ groupId: group ?? '', topics: [topic] })]);
    return ends.every(({ partition, offset }) => stored?.partitions.find((one) => one.partition === partition)?.offset === offset);
  };
  const until = async (what: string, holds: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> => {
    for (const end = Date.now() + timeoutMs; !(await holds()); await sleep(50)) if (Date.now() > end) assert.fail(`not within ${timeoutMs} ms: ${what}`);
  };
  /** The log's report when every claim is decided. */
  const decided = async (rig: NoopRig, over: { codec?: NoopRig['codec'] } = {}): Promise<LogReport> => {
    const orchestrator = await rig.orchestrator(log, { sessionTimeoutMs, ...over });
    try {
      let report: LogReport | undefined;
      await until('every claim decided', async () => {
        report = await checkLog(log, rig.topics, over.codec ?? rig.codec);
        const causes = new Set(report.facts.filter(({ fact, counts }) => counts && fact.cause >= 0).map(({ fact, record }) => `${record.partition}/${fact.cause}`));
        return causes.size >= report.claims;
      });
      return report as LogReport;
    } finally {
      await orchestrator.close();
    }
  };
  const verdicts = (report: LogReport, job: string): { accepted: number; refused: readonly string[] } => {
    const facts = report.facts.filter(({ fact, counts }) => counts && fact.job === job).map(({ fact }) => fact);
    return { accepted: facts.filter((fact) => fact.type === 'JobAccepted').length, refused: facts.flatMap((fact) => (fact.type === 'ClaimRefused' ? [`${fact.reason}: ${fact.detail}`] : [])) };
  };
  const question = (text: unknown): { value: string } => ({ value: JSON.stringify({ question: text }) });

  it('makes exactly one accepted submission of each record, while its process is killed again and again', async (t) => {
    const { rig, map } = await fresh('kill', 3);
    const { codec } = await registryCodec({ url: registry.registryUrl, schemasDir: join(projectRoot, 'schemas'), topicPrefix: rig.prefix });
    const mapFile = join(folder, 'map.json');
    const keyFile = join(folder, 'keys.json');
    writeFileSync(mapFile, JSON.stringify(map));
    writeFileSync(keyFile, keysText(keys.filter((key) => key.principal === 'bridge')), { mode: 0o600 });
    const env = {
      PATH: process.env['PATH'] ?? '', KAFKA_BROKERS: broker.bootstrap, SCHEMA_REGISTRY_URL: registry.registryUrl, BLACKBOARD_TOPIC_PREFIX: rig.prefix, BLACKBOARD_PARTITIONS: '2',
      KAFKA_SESSION_TIMEOUT_MS: String(sessionTimeoutMs), BLACKBOARD_KEYS_FILE: keyFile, BRIDGE_MAP: mapFile,
    };
    const start = async (killAt?: string): Promise<ChildProcess> => {
      const child = spawn(process.execPath, [main], { env: killAt === undefined ? env : { ...env, BLACKBOARD_KILL_AT: killAt }, stdio: ['ignore', 'ignore', 'pipe'] });
      children.add(child);
      child.once('exit', () => children.delete(child));
      const stderr = child.stderr as NonNullable<typeof child.stderr>;
      let said = '';
      stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
      await until('the bridge runs, or was killed by its seam', async () => {
        if (child.exitCode !== null) assert.fail(`the bridge ended with ${child.exitCode}: ${said}`);
        return said.includes('bridge runs') || child.signalCode !== null;
      }, 20_000);
      return child;
    };

    const total = 500;
    const killsMin = 6;
    let kills = 0;
    const producing = (async () => {
      for (let n = 0; n < total; n += 1) {
        // So that there is something to do in each life.
        while (n >= (kills + 1) * Math.ceil(total / killsMin)) await sleep(20);
        await producer.send({ topic: map.source.topic, messages: [{ partition: n % 3, ...(n % 25 === 24 ? question(n) : question(`number ${n}?`)) }] });
        await sleep(5);
      }
    })();
    for (; kills < killsMin; kills += 1) {
      // By turns in the midst of a batch that is not sent yet, with appends acknowledged and their position not stored,
      // and at any time. A new process gets the partitions when the session of the killed one has ended.
      const side = (['before', 'after', null] as const)[kills % 3] ?? null;
      const child = await start(side === null ? undefined : `bridge.append-submission:${side}:${2 + Math.floor(Math.random() * 20)}`);
      await Promise.race([once(child, 'exit'), sleep(side !== null ? 10_000 : sessionTimeoutMs - 1_500 + Math.random() * 2_500)]);
      child.kill('SIGKILL');
      if (child.signalCode === null) await once(child, 'exit');
    }
    await producing;
    const last = await start();
    await until('all positions stored', () => drained(map));
    last.kill('SIGTERM');
    await once(last, 'exit');
    assert.equal(last.exitCode, 0);

    const report = await decided(rig, { codec });
    for (let n = 0; n < total; n += 1) {
      const { accepted, refused } = verdicts(report, jobId('acme', `crm/${map.source.topic}/${n % 3}/${Math.floor(n / 3)}`));
      const isBroken = n % 25 === 24;
      assert.equal(accepted, isBroken ? 0 : 1, `record ${n}`);
      if (isBroken) assert.ok(refused.length >= 1 && refused.every((reason) => reason === 'malformed-claim: params: a JSON object'), `record ${n}: ${refused.join()}`);
      else assert.ok(refused.every((reason) => reason.startsWith('duplicate-submission')), `record ${n}: ${refused.join()}`);
    }
    t.diagnostic(`${total} records, ${kills} kills: ${report.accepted} accepted, ${report.claims - total} submitted twice; refused: ${JSON.stringify(report.refusals)}`);
  });

  it('takes what was committed in transactions, leaves out what was aborted, and passes over the gaps', async () => {
    const world = await fresh('txn');
    const { topic } = world.map.source;
    const transactional = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1, createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await transactional.connect();
    for (const outcome of ['commit', 'abort', 'commit', 'abort'] as const) {
      const transaction = await transactional.transaction();
      await transaction.send({ topic, messages: [question(outcome), question(outcome)] });
      await transaction[outcome]();
    }
    await producer.send({ topic, messages: [question('plain')] });
    await transactional.disconnect();
    const bridge = await inProcess(world);
    await until('five records', async () => bridge.counts.submitted >= 5);
    await bridge.close();
    assert.deepEqual({ ...bridge.counts }, { submitted: 5, refused: 0, repeated: 0 });
    const report = await decided(world.rig);
    assert.equal(report.accepted, 5);
    // Two records and a marker for each transaction.
    for (const offset of [0, 1, 6, 7, 12]) assert.equal(verdicts(report, jobId('acme', `crm/${topic}/0/${offset}`)).accepted, 1, `offset ${offset}`);
  });

  it('makes one job of two records with one business key, and refuses the second by name', async () => {
    const world = await fresh('key');
    const map: BridgeMap = { ...world.map, idempotencyKey: { from: '/id' } };
    const send = (id: string, text: string): { value: string } => ({ value: JSON.stringify({ id, question: text }) });
    await producer.send({ topic: map.source.topic, messages: [send('a', 'Why?'), send('a', 'Why?'), send('a', 'How?'), { value: '{"id":"a"' }, send('b', 'Who?'), { value: null }] });
    const bridge = await inProcess({ ...world, map });
    await until('all positions stored', () => drained(map));
    await bridge.close();
    assert.deepEqual({ ...bridge.counts }, { submitted: 4, refused: 2, repeated: 0 });
    const report = await decided(world.rig);
    assert.deepEqual(verdicts(report, jobId('acme', 'a')), { accepted: 1, refused: ['duplicate-submission: ', 'idempotency-key-reused: '] });
    assert.equal(verdicts(report, jobId('acme', 'b')).accepted, 1);
    assert.equal(report.refusals['malformed-claim'], 2);
  });

  it('reads Avro by the schemas of the registry, and refuses what none describes', async () => {
    const world = await fresh('avro');
    const map = bridgeMapSchema.parse({ ...world.map, source: { ...world.map.source, format: 'avro' } });
    const schemas = new SchemaRegistry({ host: registry.registryUrl });
    const { id } = await schemas.register({ type: SchemaType.AVRO, schema: JSON.stringify({ type: 'record', name: 'Ticket', namespace: `t${process.pid}`, fields: [{ name: 'question', type: ['null', 'string'] }] }) }, { subject: `${map.source.topic}-value` });
    const good = await schemas.encode(id, { question: 'Why?' });
    const missing = await schemas.encode(id, { question: null });
    await producer.send({ topic: map.source.topic, messages: [good, missing, Buffer.from('{"question":"Why?"}'), Buffer.concat([good, good]), Buffer.from([0, 0x7f, 0, 0, 0, 2])].map((value) => ({ value })) });
    const bridge = await inProcess({ ...world, map }, { avro: foreignAvro(registry.registryUrl) });
    await until('all positions stored', () => drained(map));
    await bridge.close();
    assert.deepEqual({ ...bridge.counts }, { submitted: 1, refused: 4, repeated: 0 });
    const report = await decided(world.rig);
    assert.deepEqual([report.accepted, report.refusals], [1, { 'malformed-claim': 4 }]);
  });

  it('halts, at every start, where records were removed before it read them', async () => {
    const world = await fresh('gone');
    const { topic } = world.map.source;
    await producer.send({ topic, messages: [question('one')] });
    const first = await inProcess(world);
    await until('the position stored', () => drained(world.map));
    await first.close();
    await producer.send({ topic, messages: ['two', 'three', 'four'].map(question) });
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
    for (let starts = 0; starts < 2; starts += 1) {
      const bridge = await inProcess(world);
      const error = await bridge.halted as Error & { code?: string };
      assert.equal(error.code, 'LOG_OUT_OF_RANGE', error.message);
      await bridge.close();
      assert.equal(bridge.counts.submitted, 0);
    }
  });

  it('ends at once with 78 and every problem of a wrong map, and with 1 where the source topic is not there', async () => {
    const { rig, map } = await fresh('wrong');
    const file = join(folder, 'wrong.json');
    const keyFile = join(folder, 'wrong-keys.json');
    writeFileSync(keyFile, keysText(keys.filter((key) => key.principal === 'bridge')), { mode: 0o600 });
    const run = async (content: unknown): Promise<{ code: number | null; said: string }> => {
      writeFileSync(file, JSON.stringify(content));
      const child = spawn(process.execPath, [main], { stdio: ['ignore', 'ignore', 'pipe'], env: {
        PATH: process.env['PATH'] ?? '', KAFKA_BROKERS: broker.bootstrap, SCHEMA_REGISTRY_URL: registry.registryUrl, BLACKBOARD_TOPIC_PREFIX: rig.prefix, BLACKBOARD_PARTITIONS: '2', BLACKBOARD_KEYS_FILE: keyFile, BRIDGE_MAP: file,
      } });
      children.add(child);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
      await once(child, 'close');
      children.delete(child);
      return { code: child.exitCode, said };
    };
    const wrong = await run({ ...map, tenant: '', workflow: 'Brief' });
    assert.equal(wrong.code, 78);
    assert.match(wrong.said, /CONFIG_INVALID[\s\S]*tenant[\s\S]*workflow/);
    const missing = await run({ ...map, source: { ...map.source, topic: `${map.source.topic}-none` } });
    assert.equal(missing.code, 1);
    assert.match(missing.said, /-none/);
  });

  it('shares a topic between two replicas, and one goes on with what the other leaves', async () => {
    const world = await fresh('two', 4);
    const send = (from: number, count: number): Promise<unknown> => producer.send({ topic: world.map.source.topic, messages: Array.from({ length: count }, (_, n) => ({ partition: (from + n) % 4, ...question(`number ${from + n}?`) })) });
    const first = await inProcess(world);
    const second = await inProcess(world);
    for (let n = 0; n < 200; n += 20) {
      await send(n, 20);
      if (n === 100) await first.close();
    }
    await until('all positions stored', () => drained(world.map));
    await second.close();
    const report = await decided(world.rig);
    assert.equal(report.accepted, 200);
    assert.ok(second.counts.submitted > 0 && first.counts.submitted + second.counts.submitted >= 200);
  });

  it('begins at the latest record where the map says so, once: what comes while it is away is not left out', async () => {
    const world = await fresh('latest');
    const map: BridgeMap = { ...world.map, source: { ...world.map.source, from: 'latest' } };
    await producer.send({ topic: map.source.topic, messages: [question('before')] });
    const first = await inProcess({ ...world, map });
    await until('a position stored', () => drained(map));
    await first.close();
    await producer.send({ topic: map.source.topic, messages: [question('meanwhile')] });
    const second = await inProcess({ ...world, map });
    await until('the position stored', () => drained(map));
    await second.close();
    assert.deepEqual([first.counts.submitted, second.counts.submitted], [0, 1]);
  });
});
