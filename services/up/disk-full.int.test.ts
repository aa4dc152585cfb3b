// A disk that fills up under the embedded default.

import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { topicNames } from '../../topics/topics.js';
import { openEmbeddedLogReadOnly } from '../runtime/log/embedded/read-only-log.js';

const main = join(fileURLToPath(import.meta.url), '../../testing/embedded-process.js');
const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find(existsSync);

async function start(dataDir: string): Promise<{ child: ChildProcess; url: string; errors: () => string }> {
  const told = JSON.stringify({ dataDir, collectorRoots: [], port: 0 });
  const child = spawn(process.execPath, [main], { env: { ...process.env, EMBEDDED_PROCESS: told }, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (bytes: Buffer) => { errors += bytes.toString(); });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, url: line.toString().trim(), errors: () => errors };
}

const submit = (url: string, key: string): Promise<Response> => fetch(`${url}/v1/jobs`, {
  method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': key },
  body: JSON.stringify({ workflow: 'brief', params: { docs: tmpdir(), question: 'What is a circuit breaker?' } }), signal: AbortSignal.timeout(30_000),
});

interface Answer {
  readonly state: string;
  readonly outcome: string | null;
}

async function resultOf(url: string, job: string, submission: number): Promise<Answer> {
  for (;;) {
    const answer = await fetch(`${url}/v1/jobs/${job}/result?wait=5&submission=${submission}`, { headers: { accept: 'application/json' } });
    const text = await answer.text();
    if (answer.status === 202) continue;
    assert.equal(answer.status, 200, text);
    return JSON.parse(text) as Answer;
  }
}

/** Keys of the quarantine records at an offset: one, or none. */
async function jobsAt(dataDir: string, partition: number, offset: number): Promise<readonly string[]> {
  const log = openEmbeddedLogReadOnly(join(dataDir, 'log'));
  try {
    const jobs: string[] = [];
    for await (const batch of log.read({ topic: topicNames().quarantine, partition, from: offset, until: offset + 1 })) jobs.push(...batch.map(({ key }) => key.toString()));
    return jobs;
  } finally {
    await log.close();
  }
}

test('ends with a failure when the log cannot be written, and has all that was acknowledged when it is started again', { skip: prlimit === undefined ? 'prlimit is not installed' : false, timeout: 180_000 }, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'blackboard-full-'));
  const first = await start(dataDir);
  t.after(() => first.child.kill('SIGKILL'));
  const before = await submit(first.url, 'before');
  assert.equal(before.status, 202, await before.clone().text());
  const { job, offset, partition } = await before.json() as { job: string; offset: number; partition: number };
  // Its agents have posted all that they will.
  const acknowledged = await resultOf(first.url, job, offset);
  // Closed, not only ended: what it said last has been read.
  const ended = once(first.child, 'close') as Promise<[number | null, string | null]>;
  // With SIGXFSZ ignored, as Node has it, a write past the limit fails as on a full disk.
  execFileSync(prlimit as string, [`--pid=${String(first.child.pid)}`, '--fsize=4096']);
  await submit(first.url, 'after').catch(() => undefined);
  const [code, signal] = await ended;
  // A page that lmdb could not write leaves its memory torn now and then: the C library ends the process as it goes.
  assert.ok(code === 1 || signal === 'SIGABRT', `ended with ${code ?? signal}: ${first.errors()}`);
  assert.match(first.errors(), /halted: a write to the log failed/);
  const second = await start(dataDir);
  t.after(() => second.child.kill('SIGKILL'));
  // Not submitted again, which would make the job anew where it was lost.
  const status = await fetch(`${second.url}/v1/jobs/${job}?submission=${offset}`);
  const kept = await status.json() as Answer;
  assert.deepEqual([status.status, kept.state, kept.outcome], [200, 'ended', acknowledged.outcome]);
  assert.deepEqual(await resultOf(second.url, job, offset), acknowledged);
  second.child.kill('SIGTERM');
  await once(second.child, 'exit');
  assert.deepEqual(await jobsAt(dataDir, partition, offset), [job]);
  rmSync(dataDir, { recursive: true });
});
