// Restate: server, service and this driver as three processes, submitted over its HTTP ingress with an idempotency key.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, rpc } from '@restatedev/restate-sdk-clients';
import { freePort, processes, serve, startLeashed } from './w3.mjs';

await serve(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-restate-'));
  const [node, ingress, admin, worker] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  writeFileSync(join(folder, 'restate.toml'), [
    'disable-telemetry = true', 'bind-ip = "127.0.0.1"', 'advertised-host = "127.0.0.1"', `bind-port = ${node}`, 'listen-mode = "tcp"', 'node-name = "n1"', `base-dir = "${join(folder, 'db')}"`,
    '[ingress]', `bind-address = "127.0.0.1:${ingress}"`, '[admin]', `bind-address = "127.0.0.1:${admin}"`, '',
  ].join('\n'));
  const logFile = join(folder, 'log');
  const packageFolder = dirname(createRequire(import.meta.url).resolve(`@restatedev/restate-server-linux-${process.arch}/package.json`));
  const leashed = (command, args, env, scratchDir) => startLeashed({ command, args, env: { ...process.env, ...env }, logFile, orphanSignal: 'KILL', ...(scratchDir === undefined ? {} : { scratchDir }) });
  const server = await leashed(join(packageFolder, 'bin/restate-server'), ['--no-logo'], { DO_NOT_TRACK: '1', RESTATE_CONFIG: join(folder, 'restate.toml') }, folder);
  const service = await leashed(process.execPath, [fileURLToPath(new URL('restate-worker.mjs', import.meta.url))], { NODE_ENV: 'production', RESTATE_LOGGING: 'WARN', W3_PORT: String(worker) });
  for (let tries = 0; !await registered(admin, worker); tries += 1) {
    if (tries > 120) throw new Error(`Restate did not start: ${readFileSync(logFile, 'utf8').slice(-2_000)}`);
    await new Promise((resolve) => { setTimeout(resolve, 250); });
  }
  const client = connect({ url: `http://127.0.0.1:${ingress}` }).serviceClient({ name: 'W3' });
  return {
    about: ['Restate 1.7.12, default configuration (24 partitions, one node, write-ahead log with fsync), SDK 1.17.2, idempotency key, server, service and driver apart'],
    processes: processes({ server: [server.pid], service: [service.pid] }),
    runJob: (job, slow) => client.run({ job, slow }, rpc.opts({ idempotencyKey: job })),
    close: async () => {
      await Promise.all([server.end('SIGTERM', 10_000), service.end('SIGTERM', 10_000)]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

async function registered(admin, worker) {
  const answer = await fetch(`http://127.0.0.1:${admin}/deployments`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ uri: `http://127.0.0.1:${worker}` }) }).catch(() => null);
  return answer?.ok === true;
}
