import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLeashed } from './leashed-process.js';
import { pollUntil } from './poll-until.js';

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A process that has ended, but that nobody has asked about, still answers.
  return !(existsSync(`/proc/${pid}/stat`) && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
}

function parentOf(dir: string, pidLine: (pid: number) => void): { kill: () => void; ended: Promise<void> } {
  const wanted = { command: 'sleep', args: ['60'], logFile: join(dir, 'log'), orphanSignal: 'KILL', scratchDir: dir };
  const module = new URL('./leashed-process.js', import.meta.url).href;
  const code = `import { startLeashed } from ${JSON.stringify(module)}; setInterval(() => {}, 1000);
    process.stdout.write(String((await startLeashed(${JSON.stringify(wanted)})).pid));`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  parent.stdout.once('data', (pid: Buffer) => pidLine(Number(pid)));
  return { kill: () => parent.kill('SIGKILL'), ended: new Promise((resolve) => parent.once('close', () => resolve())) };
}

test('a server dies, and its scratch folder goes, when its parent is killed with SIGKILL', { timeout: 30_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'blackboard-leash-'));
  let parent: ReturnType<typeof parentOf> | undefined;
  const pid = await new Promise<number>((resolve) => (parent = parentOf(dir, resolve)));
  assert.ok(runs(pid));
  parent?.kill();
  await parent?.ended;
  await pollUntil(() => Promise.resolve(assert.ok(!runs(pid) && !existsSync(dir))), { deadlineMs: 10_000 });
});

test('a server that ends by itself keeps its folder, so that it can be started again', { timeout: 30_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'blackboard-leash-'));
  try {
    const server = await startLeashed({ command: 'sleep', args: ['60'], logFile: join(dir, 'log'), orphanSignal: 'KILL', scratchDir: dir });
    assert.ok(runs(server.pid));
    await server.end('SIGTERM', 5_000);
    assert.equal(server.ending(), 'ended by SIGTERM');
    await sleep(500); // as long as a watcher that misunderstood would need
    assert.ok(existsSync(dir));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
