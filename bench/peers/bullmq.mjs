// BullMQ on Redis with appendfsync always: the documented "step jobs" pattern. A queue: no log, no gate, no audit.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { freePort, processes, runStep, serve, startLeashed, stepNames } from './w3.mjs';

await serve(async () => {
  const version = redisVersion();
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'));
  const port = await freePort();
  const server = await startLeashed({
    command: 'redis-server', args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
    logFile: join(folder, 'log'), orphanSignal: 'KILL', scratchDir: folder,
  });
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const probe = new Redis(connection);
  await probe.ping();
  await probe.quit();
  const queue = new Queue('w3', { connection });
  const events = new QueueEvents('w3', { connection });
  await events.waitUntilReady();
  events.setMaxListeners(0);
  queue.setMaxListeners(0);
  const work = async (queued) => {
    let { data } = queued;
    for (;;) {
      const step = stepNames[data.next];
      const result = await runStep(step, data.job, data.previous, data.slow);
      if (data.next === stepNames.length - 1) return result;
      data = { ...data, next: data.next + 1, previous: result, results: { ...data.results, [step]: result } };
      await queued.updateData(data);
    }
  };
  let worker = new Worker('w3', work, { connection, concurrency: 64 });
  await worker.waitUntilReady();
  return {
    about: [`BullMQ 6.7.0 on Redis ${version}, appendfsync always, step pattern, 64 workers (1,000 for slow steps), in the driver's process`],
    processes: processes({ redis: [server.pid] }),
    runJob: async (job, slow) => (await queue.add('w3', { job, slow, next: 0, previous: null, results: {} }, { jobId: job })).waitUntilFinished(events),
    slowSteps: async (begin) => {
      await worker.close();
      worker = new Worker('w3', work, { connection, concurrency: begin ? 1_000 : 64 });
      await worker.waitUntilReady();
    },
    close: async () => {
      await worker.close();
      await events.close();
      await queue.close();
      await server.end('SIGTERM', 5_000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

function redisVersion() {
  try {
    return /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1] ?? '(version unknown)';
  } catch {
    throw new Error('redis-server is not in PATH (Debian: apt-get install redis-server)');
  }
}
