// The whole, as it is run in production: every service a process of its own, two replicas of each agent and of the
// orchestrator, 500 briefs at once, one replica of each killed with SIGKILL midway. Then the log, Postgres, the
// gateway and a replay must agree that nothing was lost, doubled or leaked.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareRows } from '../../replay/compare-rows.js';
import { replayLog } from '../../replay/replay.js';
import { contracts } from '../../workflows/contracts.js';
import { whatIsMissing } from '../../infra/local/for-tests.js';
import { gatewayRequestText, proofHeaders } from '../blackboard/signed-text.js';
import { Keyring } from '../runtime/keyring.js';
import { projectRoot } from '../runtime/project-root.js';
import { checkLog, type LogReport } from './check-log.js';
import { Cluster, type RunningService } from './cluster.js';

const skip = await whatIsMissing({ kafka: true, registry: true, postgres: true });
const jobs = Number(process.env['BRIEF_JOBS'] ?? 500);
const agentNames = ['collector', 'planner', 'researcher', 'verifier', 'writer', 'reviewer'] as const;
const canary = 'canary-7f3a91';

describe(`${jobs} briefs on real servers`, { skip: skip ?? false, timeout: 900_000 }, () => {
  let cluster: Cluster;
  let ingress: string;
  let gateway: string;
  let report: LogReport;
  const killed: RunningService[] = [];

  before(async () => {
    cluster = await Cluster.open({ name: 'brief', sessionTimeoutMs: 10_000 });
    const docs = mkdtempSync(join(tmpdir(), 'blackboard-docs-'));
    cpSync(join(projectRoot, 'node_modules/kafkajs/README.md'), join(docs, 'kafkajs.md'));
    // Each candidate finding quotes a line with the canary; nobody but its verifier may ever see it as a candidate.
    writeFileSync(join(docs, 'canary.md'), `# Retention\n\nThe retention period of the glass archive is ninety days, as ${canary} says.\n`);
    const gatewayProcess = await cluster.start('gateway', { GATEWAY_PORT: '0' });
    gateway = cluster.urlOf(gatewayProcess);
    const [projector, one, two, ingressProcess] = await Promise.all([
      cluster.start('projector'), cluster.start('orchestrator'), cluster.start('orchestrator'), cluster.start('ingress', { INGRESS_PORT: '0', GATEWAY_URL: gateway }),
    ]);
    ingress = cluster.urlOf(ingressProcess);
    const replicas: RunningService[] = [];
    for (const name of agentNames) {
      replicas.push(...await Promise.all([0, 1].map(() => cluster.start('agents', { AGENTS: name, GATEWAY_URL: gateway, COLLECTOR_ROOTS: docs }))));
    }
    const began = Date.now();
    const submitted = await Promise.all(Array.from({ length: jobs }, (_, n) => submit(ingress, n, docs)));
    const results = Promise.all(submitted.map((job) => waitFor(ingress, job)));
    await someEnded(cluster, jobs / 5);
    for (const victim of [one, ...agentNames.map((_, index) => replicas[index * 2] as RunningService)]) {
      cluster.kill(victim);
      killed.push(victim);
    }
    void projector;
    void two;
    const outcomes = await results;
    const tookMs = Date.now() - began;
    process.stdout.write(`# ${jobs} briefs in ${(tookMs / 1000).toFixed(1)} s with ${killed.length} of ${cluster.processes.length} processes killed midway\n`);
    assert.deepEqual(outcomes.filter((status) => status !== 200), [], 'every result is there');
    report = await checkLog(cluster.log, cluster.topics, cluster.codec);
  });
  after(() => cluster.close());

  it('ends every job exactly once, and decides every claim once and in order', () => {
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.ended, { completed: jobs });
  });

  it('has one audit row per record of verified, and no other', async () => {
    const ends = await cluster.log.ranges(cluster.topics.verified);
    const total = ends.reduce((sum, range) => sum + range.next, 0);
    for (let tries = 0; tries < 100; tries += 1) {
      const [row] = await cluster.db.query<{ rows: number }>('SELECT count(*)::int AS rows FROM audit_rows');
      if (row?.rows === total) break;
      await sleep(100);
    }
    const rows = await cluster.db.query<{ partition: number; rows: number; low: number; high: number; stale: number }>('SELECT partition, count(*)::int AS rows, min("offset")::int AS low, max("offset")::int AS high, count(*) FILTER (WHERE stale)::int AS stale FROM audit_rows GROUP BY partition ORDER BY partition');
    assert.deepEqual(rows.map((row) => ({ partition: row.partition, rows: row.rows, low: row.low, high: row.high })), ends.map((range) => ({ partition: range.partition, rows: range.next, low: 0, high: range.next - 1 })));
    assert.equal(rows.reduce((sum, row) => sum + row.stale, 0), report.stale);
  });

  it('runs no attempt twice, except where its process was killed or its partition moved; those are counted', (t) => {
    const runs = new Map<string, RunningService[]>();
    for (const process of cluster.processes.filter(({ service }) => service === 'agents')) {
      for (const line of cluster.lines(process)) {
        if (line['msg'] !== 'runs') continue;
        const key = `${process.agents} ${String(line['job'])} ${String(line['instance'])} ${String(line['step'])} ${String(line['attempt'])}`;
        runs.set(key, [...(runs.get(key) ?? []), process]);
      }
    }
    const twice = [...runs.values()].filter((by) => by.length > 1);
    const unexcused = twice.filter((by) => new Set(by).size < by.length || !by.some((process) => killed.includes(process)));
    t.diagnostic(`${runs.size} attempts ran; ${twice.length} twice, all of them where a process had been killed; ${report.refusals['late-attempt'] ?? 0} late answers refused`);
    assert.deepEqual(unexcused.map((by) => by.map((process) => process.logFile)), []);
  });

  it('shows a candidate to nobody but the verifier it was shown to', async (t) => {
    const candidates = report.facts.flatMap(({ fact }) => (fact.type === 'VerificationRequested' && fact.step.startsWith('research/') ? fact.candidates.map((candidate) => ({ fact, hash: candidate.hash })) : []));
    assert.ok(candidates.length >= jobs, `${candidates.length} candidates`);
    // What the researcher may read of verified, whole, as bytes.
    assert.equal(report.facts.filter(({ record }) => record.value.includes(canary)).length, 0, 'no candidate rides on verified');
    const keyring = new Keyring(cluster.keysFor('agents', 'planner'));
    const statuses = await Promise.all(candidates.map(async ({ fact, hash }) => {
      const signer = keyring.signerOf('planner');
      const path = `/v1/bodies/${hash}`;
      const atMs = Date.now();
      const name = { job: fact.job, instance: fact.instance, step: fact.step, attempt: fact.attempt, request: '' };
      const signature = keyring.sign(signer, gatewayRequestText(name, signer, atMs, { method: 'GET', path, body: Buffer.alloc(0) })).toString('hex');
      const answer = await fetch(gateway + path, { headers: {
        [proofHeaders.signer]: signer, [proofHeaders.signature]: signature, [proofHeaders.atMs]: String(atMs), [proofHeaders.job]: fact.job, [proofHeaders.instance]: String(fact.instance),
        [proofHeaders.step]: fact.step, [proofHeaders.attempt]: String(fact.attempt), [proofHeaders.request]: '',
      } });
      await answer.arrayBuffer();
      return answer.status;
    }));
    t.diagnostic(`${candidates.length} candidates; a stranger asked for ${statuses.length} of them and got ${[...new Set(statuses)].join(', ')}`);
    assert.equal(statuses.filter((status) => status === 200).length, 0);
    const verified = report.facts.filter(({ fact, counts }) => counts && fact.type === 'ArtifactVerified' && fact.producer === 'researcher');
    assert.ok(verified.length >= jobs, 'the verifier it was shown to could read it');
  });

  it('takes every decision of every job again and comes to the same, byte for byte', async (t) => {
    const replayed = await replayLog({ log: cluster.log, topics: cluster.topics, codec: cluster.codec, contracts, keyring: new Keyring(cluster.keys) });
    t.diagnostic(`${replayed.jobs} jobs, ${replayed.decisions} decisions, ${replayed.facts} facts in ${(replayed.elapsedMs / 1000).toFixed(1)} s; ${replayed.divergences.length} divergences`);
    assert.deepEqual(replayed.divergences, []);
    assert.equal(replayed.jobs, jobs);
    assert.equal(replayed.undecided, 0);
  });

  it('gives the rows that Postgres holds when the log is projected again', async (t) => {
    const compared = await compareRows({ log: cluster.log, topics: cluster.topics, codec: cluster.codec }, cluster.db);
    t.diagnostic(`${compared.rows} rows`);
    assert.deepEqual(compared.differing, []);
    assert.ok(compared.equal && compared.rows > jobs);
  });

  it('gives agents no secret but their own keys', () => {
    for (const process of cluster.processes.filter(({ service }) => service === 'agents')) {
      const keys = JSON.parse(readFileSync(process.logFile.replace('.log', '.keys.json'), 'utf8')) as { principal: string }[];
      assert.deepEqual(keys.map((key) => key.principal), process.agents.split(','));
    }
    assert.ok(readdirSync(cluster.folder).length > 0);
  });
});

async function submit(url: string, n: number, docs: string): Promise<string> {
  for (;;) {
    const answer = await fetch(`${url}/v1/jobs`, {
      method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': `brief-${n}` },
      body: JSON.stringify({ workflow: 'brief', params: { docs, question: 'What is the retention period of the glass archive?' } }),
    });
    const body = await answer.json() as { job: string };
    if (answer.status === 202) return body.job;
    assert.equal(answer.status, 503, JSON.stringify(body));
    await sleep(200);
  }
}

async function waitFor(url: string, job: string): Promise<number> {
  for (let tries = 0; tries < 30; tries += 1) {
    const answer = await fetch(`${url}/v1/jobs/${job}/result?wait=20`, { headers: { accept: 'application/json' } });
    await answer.arrayBuffer();
    if (answer.status !== 202 && answer.status !== 503) return answer.status;
    // As any client should: later, when told so.
    if (answer.status === 503) await sleep(1_000 * Number(answer.headers.get('retry-after')));
  }
  return 202;
}

async function someEnded(cluster: Cluster, count: number): Promise<void> {
  for (let tries = 0; tries < 2_400; tries += 1) {
    const [row] = await cluster.db.query<{ ended: number }>("SELECT count(*)::int AS ended FROM jobs WHERE outcome IS NOT NULL");
    if ((row?.ended ?? 0) >= count) return;
    await sleep(100);
  }
  throw new Error(`fewer than ${count} jobs ended within four minutes`);
}
