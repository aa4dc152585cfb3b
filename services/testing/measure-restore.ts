// node --expose-gc dist/services/testing/measure-restore.js [--jobs N] [--ended N] [--tail N] [--workflow noop|brief] [--json]
// How long an owner takes to have a partition's state again, from the whole log and from a snapshot and the tail behind
// it; what a snapshot takes in bytes, and a job in memory: an open one, or one that has ended and is remembered. One
// partition, on the memory log and PGlite in memory, so that what is measured is ours: decoding, folding, thawing.

import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CancelRequested, JobSubmitted } from '../../schemas/generated/events.js';
import { limits, topicNames } from '../../topics/topics.js';
import { migrate } from '../../infra/sql/migrate.js';
import { loadPolicy } from '../../workflows/policy.js';
import { emptyEnvelope } from '../blackboard/empty-envelope.js';
import { jobId } from '../blackboard/ids.js';
import { checkpointOf } from '../orchestrator/checkpoint.js';
import { decideRecord } from '../orchestrator/decide-record.js';
import { emptyPartition, evolve } from '../orchestrator/evolve.js';
import { machineEffects } from '../orchestrator/machine-effects.js';
import { Restore, type Restored } from '../orchestrator/restore.js';
import { snapshotSource, type SnapshotSource } from '../orchestrator/snapshot-source.js';
import { stateHash } from '../orchestrator/state-hash.js';
import { embeddedCodec } from '../runtime/codec/embedded-codec.js';
import { Keyring } from '../runtime/keyring.js';
import { makeKeys } from '../runtime/keys.js';
import { createLogger } from '../runtime/logger.js';
import { MemoryLogStore } from '../runtime/log/memory/memory-log.js';
import type { LogRecord, Member } from '../runtime/log/port.js';
import { openPgliteDatabase } from '../runtime/postgres/pglite-database.js';
import { postgresSnapshotStore } from '../runtime/postgres/postgres-snapshot-store.js';
import { projectRoot } from '../runtime/project-root.js';
import { takeSnapshot } from '../snapshots/take-snapshot.js';

const { values } = parseArgs({ options: { jobs: { type: 'string', default: '100000' }, ended: { type: 'string', default: '0' }, tail: { type: 'string', default: '20000' }, workflow: { type: 'string', default: 'noop' }, json: { type: 'boolean', default: false } } });
const jobs = Number(values.jobs);
const ended = Number(values.ended);
const tail = Number(values.tail);
const topics = topicNames();
const codec = embeddedCodec(join(projectRoot, 'schemas'));
const keyring = new Keyring(makeKeys(['ingress', 'orchestrator', 'snapshots'], 'k1'));
const logger = createLogger({ service: 'measure', level: 'warn' });
const logs = new MemoryLogStore({ topics: [{ name: topics.verified, partitions: 1 }] });
const log = logs.open();

/** Processor time is of the whole process: with PGlite that of the database too, and of collecting garbage. */
interface Timed extends Restored {
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

interface Filled {
  readonly next: number;
  readonly snapshotAt: number;
}

/** A log with that many open jobs behind those that have ended, as an owner would have written it; the tail is what comes after the snapshot. */
async function fill(): Promise<Filled> {
  const state = emptyPartition(0);
  const policy = { ...loadPolicy(), openJobsPerTenantMax: 10_000_000 };
  let next = 0;
  const append = (value: Buffer): void => {
    logs.write({ topic: topics.verified, partition: 0, records: [{ key: Buffer.alloc(0), value }] });
    next += 1;
  };
  const epoch = { ...emptyEnvelope, type: 'EpochStarted' as const, authentic: true, causeDigest: Buffer.alloc(0), owner: 'measure' };
  const mark = (): void => {
    const marker = codec.encode(epoch);
    evolve(state, epoch, next);
    append(marker);
    const checkpoint = checkpointOf(state, policy, { offset: next, markerDigest: codec.digest(marker), writtenAtMs: state.timeMs });
    evolve(state, checkpoint, next);
    append(codec.encode(checkpoint));
  };
  mark();
  const params = values.workflow === 'noop' ? '{}' : JSON.stringify({ question: 'What does the evidence say?', docs: '/documents' });
  let claims = 0;
  const decide = (claim: JobSubmitted | CancelRequested): void => {
    const { encoded } = decideRecord(state, {
      offset: claims, appendTimeMs: 1_700_000_000_000 + Math.floor(claims / 100), digest: Buffer.alloc(32, 1),
      content: { kind: 'claim', claim, inspection: { authentic: true, receiptsValid: true, routed: true, bodies: [] } },
    }, { nextOffset: next, encode: (fact) => codec.encode(fact), batchBytesMax: limits.batchBytesMax, batchRecordsMax: limits.batchRecordsMax, onThrow: (error) => { throw error; } });
    for (const value of encoded) append(value);
    claims += 1;
  };
  let accepted = 0;
  const accept = (): JobSubmitted => {
    const key = `job-${accepted}`;
    const claim: JobSubmitted = {
      ...emptyEnvelope, type: 'JobSubmitted', tenant: `tenant-${accepted % 50}`, job: jobId(`tenant-${accepted % 50}`, key), onBehalfOf: 'measure', signer: 'ingress#k1', atMs: 1_700_000_000_000 + accepted,
      idempotencyKey: key, workflow: values.workflow, params, deadlineMs: 0, costCapMicros: 0, goal: `goal ${accepted}`, signature: Buffer.alloc(32),
    };
    decide(claim);
    accepted += 1;
    return claim;
  };
  while (state.remembered.size < ended || state.jobs.size < jobs) {
    const { tenant, job } = accept();
    if (!state.jobs.has(job)) throw new Error(`no job of ${values.workflow} is accepted`);
    if (state.remembered.size < ended) decide({ ...emptyEnvelope, type: 'CancelRequested', tenant, job, signer: 'ingress#k1', signature: Buffer.alloc(32), reason: '' });
    if (accepted % 10_000 === 0) mark();
    if (accepted % 1_000 === 0) await eventLoopTurn();
  }
  const snapshotAt = next;
  while (next < snapshotAt + tail) accept();
  append(codec.encode(epoch));
  return { next, snapshotAt };
}

/** The production reader of a take-over, from a checkpoint that says: from the beginning. */
async function restore(next: number, snapshots: SnapshotSource | null): Promise<Timed> {
  const held: { restore: Restore | null } = { restore: null };
  const member = await new Promise<Member>((resolve, reject) => {
    log.join({ group: `measure-${performance.now()}`, topics: [topics.verified], onAssigned: () => undefined, onBatch: (records: readonly LogRecord[]) => held.restore?.onBatch(records), onHalt: reject }).then(resolve, reject);
  });
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  held.restore = new Restore(0, topics.verified, member, snapshots === null ? { codec } : { codec, snapshots });
  const restored = await held.restore.upTo(next - 1, undefined);
  const elapsedMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  await member.leave();
  return { ...restored, elapsedMs, cpuMs: (user + system) / 1000 };
}

function heapBytes(): number {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + Math.max(external, arrayBuffers);
}

async function held(make: () => Promise<Timed>): Promise<Timed & { readonly bytesPerJob: number }> {
  const before = heapBytes();
  const made = await make();
  return { ...made, bytesPerJob: (heapBytes() - before) / (made.state.jobs.size + made.state.remembered.size) };
}

const filled = await fill();
const db = await openPgliteDatabase();
await migrate(db);
const store = postgresSnapshotStore(db);
const startedMs = performance.now();
const header = await takeSnapshot({ partition: 0, low: 0, next: filled.snapshotAt }, { log, codec, keyring, store, topic: topics.verified, logger, breathe: () => eventLoopTurn() });
const takenMs = performance.now() - startedMs;
if (header === null) throw new Error('no snapshot was taken');

/** Without the state, which nothing is to hold while the other restore is measured. */
async function wholeLog(): Promise<Pick<Timed, 'elapsedMs' | 'cpuMs'> & { readonly bytesPerJob: number; readonly hash: string }> {
  const { state, elapsedMs, cpuMs, bytesPerJob } = await held(() => restore(filled.next, null));
  return { elapsedMs, cpuMs, bytesPerJob, hash: stateHash(state) };
}

const whole = await wholeLog();
const quick = await held(() => restore(filled.next, snapshotSource({ ...machineEffects, store, log, codec, keyring, topic: topics.verified, logger, breathe: () => eventLoopTurn() })));
const figures = {
  workflow: values.workflow, openJobs: quick.state.jobs.size, endedJobs: quick.state.remembered.size, records: filled.next, tail: filled.next - filled.snapshotAt, isSameState: stateHash(quick.state) === whole.hash, base: quick.base,
  snapshotBytes: header.bytes, snapshotBytesPerJob: Math.round(header.bytes / (header.openJobs + ended)), parts: header.parts, takenFromTheBeginningMs: Math.round(takenMs),
  restoreFromLogMs: Math.round(whole.elapsedMs), restoreFromSnapshotMs: Math.round(quick.elapsedMs), cpuFromLogMs: Math.round(whole.cpuMs), cpuFromSnapshotMs: Math.round(quick.cpuMs),
  ...(globalThis.gc === undefined ? {} : { memoryBytesPerJobFromLog: Math.round(whole.bytesPerJob), memoryBytesPerJobFromSnapshot: Math.round(quick.bytesPerJob) }),
};
process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : `${Object.entries(figures).map(([name, value]) => `${name.padEnd(30)} ${String(value)}`).join('\n')}\n`);
await db.close();
await log.close();
