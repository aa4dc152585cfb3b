// The example of a foreign producer and reader on a real broker and registry: what it writes is accepted by a real
// orchestrator, each mistake that a foreign client can make is refused by its own name, and what it reads are the facts
// that count.

import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import kafkajs, { type Producer } from 'kafkajs';
import { sharedBroker, sharedRegistry, whatIsMissing } from '../../infra/local/for-tests.js';
import { applyTopics } from '../../infra/topics/apply.js';
import { loadPolicy } from '../../workflows/policy.js';
import { registryCodec, type RegistryCodec } from '../runtime/codec/registry-codec.js';
import { keysText, makeKeys } from '../runtime/keys.js';
import { kafkaLog } from '../runtime/log/kafka/kafka-log.js';
import { partitionFor } from '../runtime/log/partitioner.js';
import type { LogPort } from '../runtime/log/port.js';
import { projectRoot } from '../runtime/project-root.js';
import { checkLog, type LogReport } from '../testing/check-log.js';
import { NoopRig } from '../testing/noop-rig.js';

interface ForeignRecord { readonly key: string; readonly value: Buffer }
/** What examples/foreign-producer/submission.mjs exports. */
interface ForeignCode {
  signedRecord(submission: object, key: { signer: string; secret: Buffer }, schema: { id: number; fingerprint: Buffer }): ForeignRecord;
  partitionOf(key: string, partitions: number): number;
}

const skip = await whatIsMissing({ kafka: true, registry: true });
const folder = join(projectRoot, 'examples/foreign-producer');
const partitions = 4;
const keys = makeKeys(['upstream-acme', 'ingress', 'orchestrator', 'noop', 'gateway'], 'k1');
const upstream = keys.filter((key) => key.principal === 'upstream-acme');
const policy = loadPolicy({}, { principals: { 'upstream-acme': { role: 'upstream', agent: '', tenants: ['acme'] } } });

describe('a foreign client', { skip: skip ?? false, timeout: 120_000 }, () => {
  let broker: Awaited<ReturnType<typeof sharedBroker>>;
  let registry: Awaited<ReturnType<typeof sharedRegistry>>;
  let log: LogPort;
  let producer: Producer;
  let codec: RegistryCodec['codec'];
  let foreign: ForeignCode;
  let rig: NoopRig;
  let reader: ChildProcess | undefined;
  const files = mkdtempSync(join(tmpdir(), 'foreign-'));
  const keyFile = join(files, 'keys.json');

  before(async () => {
    [broker, registry] = await Promise.all([sharedBroker(), sharedRegistry()]);
    rig = new NoopRig(partitions, `foreign-${process.pid}-${Date.now() % 100_000}.`, keys);
    await applyTopics({ brokers: [broker.bootstrap], clientId: 'test' }, { prefix: rig.prefix, partitions, replication: 1, profile: 'local' });
    ({ codec } = await registryCodec({ url: registry.registryUrl, schemasDir: join(projectRoot, 'schemas'), topicPrefix: rig.prefix }));
    log = kafkaLog({ brokers: [broker.bootstrap], clientId: 'test' });
    producer = new kafkajs.Kafka({ brokers: [broker.bootstrap], clientId: 'foreign', logLevel: kafkajs.logLevel.NOTHING }).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    foreign = await import(pathToFileURL(join(folder, 'submission.mjs')).href) as ForeignCode;
    writeFileSync(keyFile, keysText(upstream), { mode: 0o600 });
  });
  after(async () => {
    reader?.kill('SIGKILL');
    await Promise.all([producer.disconnect(), log.close()]);
    await Promise.all([broker.release(), registry.release()]);
    rmSync(files, { recursive: true });
  });

  const settled = async (enough: (report: LogReport) => boolean): Promise<LogReport> => {
    for (const end = Date.now() + 30_000; ; await sleep(100)) {
      const report = await checkLog(log, rig.topics, codec);
      if (enough(report)) return report;
      if (Date.now() > end) assert.fail(`not within 30 s; refused: ${JSON.stringify(report.refusals)}, accepted ${report.accepted}`);
    }
  };
  const orchestrated = async (enough: (report: LogReport) => boolean): Promise<LogReport> => {
    const orchestrator = await rig.orchestrator(log, { codec, policy, sessionTimeoutMs: 6_000 });
    try {
      return await settled(enough);
    } finally {
      await orchestrator.close();
    }
  };

  it('makes a job with nothing but a Kafka client and the documented bytes', async () => {
    const env = { PATH: process.env['PATH'] ?? '', KAFKA_BROKERS: broker.bootstrap, SCHEMA_REGISTRY_URL: registry.registryUrl, BLACKBOARD_TOPIC_PREFIX: rig.prefix, BLACKBOARD_KEYS_FILE: keyFile, TENANT: 'acme' };
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'produce.mjs'), 'noop', 'order-1', '{"question":"Wozu, ärgerlich? ✓"}'], { env });
    const place = JSON.parse(stdout) as { job: string; partition: number; offset: number };
    assert.equal(place.partition, partitionFor(Buffer.from(place.job), partitions));
    const report = await orchestrated((found) => found.accepted === 1);
    const accepted = report.facts.find(({ fact }) => fact.type === 'JobAccepted');
    assert.deepEqual([accepted?.fact.job, accepted?.fact.instance, accepted?.fact.tenant], [place.job, place.offset, 'acme']);
    assert.deepEqual(report.refusals, {});
  });

  it('is refused by name for each mistake that it can make', async () => {
    const fingerprint = codec.fingerprintOf('JobSubmitted');
    const id = (await readFirst(log, rig)).readInt32BE(1);
    const secret = upstream[0]?.secret ?? Buffer.alloc(0);
    const record = (idempotencyKey: string, over: { tenant?: string; signer?: string; secret?: Buffer; fingerprint?: Buffer } = {}): ForeignRecord => foreign.signedRecord(
      { tenant: over.tenant ?? 'acme', idempotencyKey, workflow: 'noop', params: '{}', atMs: Date.now() },
      { signer: over.signer ?? 'upstream-acme#k1', secret: over.secret ?? secret }, { id, fingerprint: over.fingerprint ?? fingerprint },
    );
    const flipped = record('flipped');
    flipped.value[flipped.value.length - 1] = (flipped.value[flipped.value.length - 1] ?? 0) ^ 1;
    const crc = Array.from({ length: 100 }, (_, n) => record(`crc-${n}`)).find(({ key }) => crc32(Buffer.from(key)) % partitions !== foreign.partitionOf(key, partitions)) as ForeignRecord;
    const misnamed = record('misnamed');
    const mistakes: readonly (readonly [reason: string, record: ForeignRecord, partition?: number])[] = [
      ['bad-signature', flipped],
      ['bad-signature', record('other-secret', { secret: Buffer.alloc(32, 7) })],
      ['bad-signature', record('no-fingerprint', { fingerprint: Buffer.alloc(0) })],
      ['unknown-principal', record('nobody', { signer: 'nobody#k1' })],
      ['foreign-tenant', record('other-tenant', { tenant: 'globex' })],
      ['misrouted', { ...misnamed, key: 'misnamed' }],
      // librdkafka's default, consistent_random: crc32 of the key.
      ['misrouted', crc, crc32(Buffer.from(crc.key)) % partitions],
    ];
    for (const [, { key, value }, partition] of mistakes) await producer.send({ topic: rig.topics.quarantine, messages: [{ key, value, ...(partition === undefined ? {} : { partition }) }] });
    const report = await orchestrated((found) => Object.values(found.refusals).reduce((sum, count) => sum + count, 0) >= mistakes.length);
    assert.deepEqual(report.refusals, { 'bad-signature': 3, 'unknown-principal': 1, 'foreign-tenant': 1, misrouted: 2 });
    assert.equal(report.accepted, 1);
  });

  it('reads exactly the facts that count, and none of a replaced owner', async () => {
    const before = await checkLog(log, rig.topics, codec);
    const old = before.facts.find(({ fact }) => fact.type === 'JobAccepted');
    // What a replaced owner writes late: the bytes of an older epoch, behind a newer marker.
    await log.append({ topic: rig.topics.verified, partition: old?.record.partition ?? 0, records: [{ key: old?.record.key ?? Buffer.alloc(0), value: old?.record.value ?? Buffer.alloc(0) }] });
    const report = await checkLog(log, rig.topics, codec);
    assert.ok(report.stale > before.stale);
    const wanted = report.facts.filter(({ fact, counts }) => counts && fact.type !== 'EpochStarted').map(({ record, fact }) => `${record.partition}/${record.offset} ${fact.type} ${fact.job}`).sort();
    const child = spawn(process.execPath, [join(folder, 'read-facts.mjs'), `${rig.prefix}reader`], { env: { PATH: process.env['PATH'] ?? '', KAFKA_BROKERS: broker.bootstrap, BLACKBOARD_TOPIC_PREFIX: rig.prefix }, stdio: ['ignore', 'pipe', 'inherit'] });
    reader = child;
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    const lines = (): readonly string[] => said.split('\n').filter((line) => line.endsWith('}'));
    for (const end = Date.now() + 30_000; lines().length < wanted.length && Date.now() < end; ) await sleep(50);
    // Longer than it takes to print one more, were it there.
    await sleep(500);
    child.kill('SIGTERM');
    await once(child, 'exit');
    const read = lines().map((line) => JSON.parse(line) as { partition: number; offset: number; type: string; job: string });
    assert.deepEqual(read.map(({ partition, offset, type, job }) => `${partition}/${offset} ${type} ${job}`).sort(), wanted);
  });
});

async function readFirst(log: LogPort, { topics }: NoopRig): Promise<Buffer> {
  for (const { partition, next } of await log.ranges(topics.quarantine)) {
    if (next === 0) continue;
    for await (const batch of log.read({ topic: topics.quarantine, partition, from: 0, until: 1 })) return batch[0]?.value ?? Buffer.alloc(0);
  }
  return assert.fail('quarantine is empty');
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
