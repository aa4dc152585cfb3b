// The real runs that golden logs are recorded from. Each brings the runtime to places where decisions differ: refusals
// of every door, retries, deadlines, cancellations, a take-over, rivals, independent verification, a liar.

import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CancelRequested } from '../schemas/generated/events.js';
import { topicNames } from '../topics/topics.js';
import { jobId } from '../services/blackboard/ids.js';
import { createLogger } from '../services/runtime/logger.js';
import { partitionFor } from '../services/runtime/log/partitioner.js';
import type { LogPort } from '../services/runtime/log/port.js';
import { MemoryLogStore } from '../services/runtime/log/memory/memory-log.js';
import { projectRoot } from '../services/runtime/project-root.js';
import { NoopRig } from '../services/testing/noop-rig.js';
import { startAll } from '../services/up/start-all.js';
import { holdLog } from './golden-file.js';
import { openRecorded } from './open-recorded.js';
import type { ReadableLog } from './readable-log.js';

export interface GoldenRun {
  readonly partitions: number;
  readonly records: Awaited<ReturnType<typeof holdLog>>;
}

const topics = topicNames();

/** By the name of the golden log. */
export const goldenRuns: Readonly<Record<string, () => Promise<GoldenRun>>> = { noop: () => noop(), contested: () => contested(), brief: () => brief() };

export async function heldRun(log: ReadableLog): Promise<GoldenRun> {
  return { partitions: (await log.ranges(topics.verified)).length, records: await holdLog(log, topics) };
}

function memoryLog(partitions: number): MemoryLogStore {
  return new MemoryLogStore({ topics: [{ name: topics.quarantine, partitions }, { name: topics.verified, partitions }, { name: topics.control, partitions: 1 }, { name: topics.deadLetter, partitions: 1 }] });
}

/** Jobs that do nothing, and whatever a stranger may send; the owner is replaced midway. */
async function noop(): Promise<GoldenRun> {
  const logs = memoryLog(2);
  const rig = new NoopRig(2);
  const log = logs.open();
  const first = await rig.orchestrator(logs.open(), { instance: 'first' });
  const agent = await rig.agent(logs.open());
  for (let n = 0; n < 3; n += 1) await rig.submit(log, `job-${n}`);
  await sendStrangeClaims(rig, log);
  await rig.settled(log, 3, 5_000);
  await agent.drain();
  // Nobody answers these: one ends by its deadline, which a tick fires, and one by cancellation.
  await rig.submit(log, 'too-late', { deadlineMs: 200 });
  await rig.submit(log, 'given-up');
  await cancel(rig, log, 'given-up');
  await rig.submit(log, 'taken-over');
  await rig.settled(log, 5, 5_000);
  await first.close();
  const second = await rig.orchestrator(logs.open(), { instance: 'second' });
  const late = await rig.agent(logs.open());
  await rig.submit(log, 'job-0');
  await rig.submit(log, 'job-9');
  await settledWhole(rig, log, 7);
  await late.drain();
  await second.close();
  return heldRun(log);
}

async function sendStrangeClaims(rig: NoopRig, log: LogPort): Promise<void> {
  const partitionOf = (job: string): number => partitionFor(Buffer.from(job), rig.partitions);
  await rig.submit(log, 'job-0');
  await rig.submit(log, 'job-0', { goal: 'another one' });
  await rig.submit(log, 'strange-1', { workflow: 'nothing-of-ours' });
  await rig.submit(log, 'strange-2', { modelId: 'a model\u001b[2J' });
  await rig.submit(log, 'strange-3', { params: '[]' });
  await rig.submit(log, 'strange-4', { job: jobId('acme', 'another') });
  // Signed by the agent, which may not submit; under a key that is not the job's; and not signed at all.
  await rig.submit(log, 'strange-5', { signer: rig.keyring.signerOf('noop') });
  const job = jobId('acme', 'strange-6');
  await log.append({ topic: rig.topics.quarantine, partition: partitionOf(job), records: [{ key: Buffer.from(job), value: Buffer.from('{"not":"Avro"}') }, { key: Buffer.alloc(0), value: Buffer.alloc(0) }, { key: Buffer.from(job), value: Buffer.from([0, 1, 2, 3, 4, 5]) }] });
}

async function cancel(rig: NoopRig, log: LogPort, key: string): Promise<void> {
  const signer = rig.keyring.signerOf('ingress');
  const job = jobId('acme', key);
  const claim: CancelRequested = {
    type: 'CancelRequested', step: '', agent: '', epoch: -1, cause: -1, tenant: 'acme', job, instance: -1, attempt: 0, agentVersion: '', correlation: '', causation: '', onBehalfOf: 'test',
    workflowVersion: '', policyVersion: '', promptHash: '', modelId: '', signer, atMs: Date.now(), trace: '', reason: '', signature: Buffer.alloc(0),
  };
  const value = rig.codec.encodeSigned(claim, (fingerprint, body) => rig.keyring.sign(signer, fingerprint, body));
  await log.append({ topic: rig.topics.quarantine, partition: partitionFor(Buffer.from(job), rig.partitions), records: [{ key: Buffer.from(job), value }] });
}

/** Two owners that do not know of each other: what the replaced one writes is in the log, and counts for nobody. */
async function contested(): Promise<GoldenRun> {
  const logs = memoryLog(1);
  const rig = new NoopRig(1);
  const log = logs.open();
  const agent = await rig.agent(logs.open());
  const one = await rig.orchestrator(logs.open(), { instance: 'one' });
  const two = await rig.orchestrator(logs.open(), { instance: 'two', group: `${topics.prefix}rival` });
  for (let n = 0; n < 5; n += 1) await rig.submit(log, `job-${n}`);
  await settledWhole(rig, log, 5);
  await agent.drain();
  await two.close();
  await one.close();
  return heldRun(log);
}

async function settledWhole(rig: NoopRig, log: LogPort, jobs: number): Promise<void> {
  const report = await rig.settled(log, jobs, 20_000);
  if (report.problems.length > 0) throw new Error(`the run did not settle: ${report.problems.join('; ')}`);
}

const documents = [['kafkajs/README.md', 'kafkajs.md'], ['lmdb/README.md', 'lmdb.md'], ['cockatiel/readme.md', 'cockatiel.md']] as const;

/** Briefs on real documents, one with a liar among the researchers and one that the documents cannot answer. */
async function brief(): Promise<GoldenRun> {
  const folder = await mkdtemp(join(tmpdir(), 'blackboard-golden-'));
  const before = process.cwd();
  await mkdir(join(folder, 'docs'));
  for (const [from, to] of documents) await cp(join(projectRoot, 'node_modules', from), join(folder, 'docs', to));
  // The folder is named in the log: by a name that means nothing elsewhere.
  process.chdir(folder);
  try {
    const all = await startAll({ world: { mode: 'embedded', dataDir: 'data', partitions: 2 }, logger: createLogger({ service: 'golden', level: 'silent' }), collectorRoots: ['docs'] });
    const jobs = [
      await submit(all.ingressUrl, 'brief', 'What is KafkaJS, and what does a circuit breaker do while it is open?'),
      await submit(all.ingressUrl, 'brief-with-liar', 'What does LMDB store, and how does a bulkhead limit concurrency?'),
      await submit(all.ingressUrl, 'brief', 'Which year did the harbour freeze over?'),
    ];
    for (const job of jobs) await ended(all.ingressUrl, job);
    await sleep(200);
    await all.close();
    const recorded = await openRecorded({ mode: 'embedded', dataDir: 'data' });
    const held = await heldRun(recorded.log);
    await recorded.log.close();
    return held;
  } finally {
    process.chdir(before);
    await rm(folder, { recursive: true });
  }
}

async function submit(url: string, workflow: string, question: string): Promise<string> {
  const answer = await fetch(`${url}/v1/jobs`, { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': question }, body: JSON.stringify({ workflow, params: { docs: 'docs', question } }) });
  const body = await answer.json() as { readonly job?: string };
  if (answer.status !== 202 || body.job === undefined) throw new Error(`the submission was answered with ${answer.status}: ${JSON.stringify(body)}`);
  return body.job;
}

async function ended(url: string, job: string): Promise<void> {
  for (let tries = 0; tries < 10; tries += 1) {
    const answer = await fetch(`${url}/v1/jobs/${job}/result?wait=20`, { headers: { accept: 'application/json' } });
    await answer.arrayBuffer();
    if (answer.status !== 202) return;
  }
  throw new Error(`the job ${job} has not ended`);
}
