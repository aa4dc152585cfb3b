// The whole on the embedded default: many briefs at once, the process killed with SIGKILL midway and started again,
// and then briefs with a researcher that lies.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Brief } from '../../workflows/brief/contracts.js';
import { lieKinds, liesFor } from '../agents/liar/fabrications.js';
import { topicNames } from '../../topics/topics.js';
import { createLogger } from '../runtime/logger.js';
import { projectRoot } from '../runtime/project-root.js';
import { checkLog } from '../testing/check-log.js';
import { startAll, type All } from './start-all.js';

const jobs = Number(process.env['EMBEDDED_JOBS'] ?? 500);
const liarJobs = Number(process.env['LIAR_JOBS'] ?? 200);
const main = join(fileURLToPath(import.meta.url), '../../testing/embedded-process.js');

describe('the embedded default', { timeout: 600_000 }, () => {
  it(`brings ${jobs} briefs to one terminal each although the process is killed midway`, async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'blackboard-embedded-'));
    const docs = someDocuments();
    let { child, url } = await start(dataDir, docs);
    const began = Date.now();
    const submitted = await Promise.all(Array.from({ length: jobs }, (_, n) => submit(url, `brief-${n}`, 'brief', docs)));
    await sleep(2_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    ({ child, url } = await start(dataDir, docs));
    const statuses = await Promise.all(submitted.map((job) => waitFor(url, job)));
    t.diagnostic(`${jobs} briefs in ${((Date.now() - began) / 1000).toFixed(1)} s, killed once`);
    assert.deepEqual(statuses.filter((status) => status !== 200), []);
    child.kill('SIGTERM');
    await once(child, 'exit');
    const all = await open(dataDir, docs);
    const report = await checkLog(all.log, topicNames(), all.codec);
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.ended, { completed: jobs });
    const { rows, records } = await projectedRows(all);
    assert.equal(rows, records, 'one audit row per record of verified');
    await all.close();
    rmSync(dataDir, { recursive: true });
  });

  it(`lets no fabricated finding into a brief over ${liarJobs} jobs`, async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'blackboard-liar-'));
    const docs = someDocuments();
    const all = await open(dataDir, docs);
    const submitted = await Promise.all(Array.from({ length: liarJobs }, (_, n) => submit(all.ingressUrl, `liar-${n}`, 'brief-with-liar', docs)));
    const statuses = await Promise.all(submitted.map((job) => waitFor(all.ingressUrl, job)));
    assert.deepEqual(statuses.filter((status) => status !== 200), []);
    const report = await checkLog(all.log, topicNames(), all.codec);
    assert.deepEqual(report.problems, []);
    const lies = new Map<string, { readonly kind: string; readonly job: string }>();
    const refused = new Map<string, Map<string, number>>();
    const told = new Map<string, number>();
    const honest = new Set<string>();
    for (const { fact } of report.facts) {
      if (fact.type === 'VerificationRequested' && fact.candidates[0]?.producer === 'liar') {
        const kinds = liesFor(fact.job, fact.step, fact.attempt, fact.candidates.length);
        fact.candidates.forEach((candidate, index) => {
          const kind = kinds[index] as string;
          lies.set(`${fact.job}/${candidate.hash}`, { kind, job: fact.job });
          told.set(kind, (told.get(kind) ?? 0) + 1);
        });
      }
      if (fact.type === 'ArtifactVerified' && fact.producer === 'researcher') honest.add(`${fact.job}/${fact.body.hash}`);
      if (fact.type === 'ArtifactVerified') assert.notEqual(fact.producer, 'liar', 'nothing of the liar is verified');
      if (fact.type === 'ArtifactRejected' && fact.producer === 'liar') {
        const lie = lies.get(`${fact.job}/${fact.hash}`);
        assert.ok(lie !== undefined && fact.reason !== '', 'refused with a reason');
        const reasons = refused.get(lie.kind) ?? new Map<string, number>();
        refused.set(lie.kind, reasons.set(fact.reason, (reasons.get(fact.reason) ?? 0) + 1));
      }
    }
    for (const kind of lieKinds) {
      const reasons = refused.get(kind) ?? new Map<string, number>();
      const count = [...reasons.values()].reduce((sum, n) => sum + n, 0);
      assert.equal(count, told.get(kind) ?? 0, `${kind}: every one is in quarantine with its reason`);
      t.diagnostic(`${kind.padEnd(26)} ${String(count).padStart(4)} refused: ${[...reasons].map(([reason, n]) => `${reason} ${n}`).join(', ')}`);
    }
    assert.ok([...told.keys()].length >= 10, 'lied in at least ten ways');
    for (const job of submitted) {
      const brief = await (await fetch(`${all.ingressUrl}/v1/jobs/${job}/result`, { headers: { accept: 'application/json' } })).json() as { result: { body?: Brief; value?: Brief } };
      const text = JSON.stringify(brief);
      assert.match(text, /"sources":\[/);
      for (const [, hash] of text.matchAll(/"finding":"([0-9a-f]{64})"/g)) assert.ok(honest.has(`${job}/${hash}`), 'every citation is a verified finding of an honest researcher');
    }
    await all.close();
    rmSync(dataDir, { recursive: true });
  });
});

function someDocuments(): string {
  const docs = mkdtempSync(join(tmpdir(), 'blackboard-docs-'));
  for (const [from, to] of [['kafkajs/README.md', 'kafkajs.md'], ['lmdb/README.md', 'lmdb.md'], ['cockatiel/readme.md', 'cockatiel.md']] as const) cpSync(join(projectRoot, 'node_modules', from), join(docs, to));
  return docs;
}

function open(dataDir: string, docs: string): Promise<All> {
  return startAll({ world: { mode: 'embedded', dataDir }, logger: createLogger({ service: 'up', level: 'silent' }), collectorRoots: [docs] });
}

async function start(dataDir: string, docs: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [main], { env: { ...process.env, EMBEDDED_PROCESS: JSON.stringify({ dataDir, collectorRoots: [docs], port: 0 }) }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout as NonNullable<typeof child.stdout>, 'data') as [Buffer];
  return { child, url: line.toString().trim() };
}

async function submit(url: string, key: string, workflow: string, docs: string): Promise<string> {
  const answer = await fetch(`${url}/v1/jobs`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ workflow, params: { docs, question: 'What is KafkaJS, and what does a circuit breaker do while it is open?' } }),
  });
  const body = await answer.json() as { job: string };
  assert.equal(answer.status, 202, JSON.stringify(body));
  return body.job;
}

async function waitFor(url: string, job: string): Promise<number> {
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await fetch(`${url}/v1/jobs/${job}/result?wait=20`, { headers: { accept: 'application/json' } });
    await answer.arrayBuffer();
    if (answer.status !== 202) return answer.status;
  }
  return 202;
}

/** Audit rows and records of verified, once the projector has caught up; as they are after half a minute otherwise. */
async function projectedRows(all: All): Promise<{ readonly rows: number; readonly records: number }> {
  for (let tries = 0; ; tries += 1) {
    const records = (await all.log.ranges(topicNames().verified)).reduce((sum, range) => sum + range.next, 0);
    const rows = (await all.db.query<{ rows: number }>('SELECT count(*)::int AS rows FROM audit_rows'))[0]?.rows ?? 0;
    if (rows === records || tries >= 60) return { rows, records };
    await sleep(500);
  }
}
