import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { otlpReceiver } from '../testing/otlp-receiver.js';

it('carries one trace from the submission through the log to every decision and agent', async () => {
  const receiver = await otlpReceiver();
  const dataDir = mkdtempSync(join(tmpdir(), 'blackboard-traces-'));
  writeFileSync(join(dataDir, 'a.md'), 'A lamp is a thing that gives light.\n');
  const child = spawn(process.execPath, [join(fileURLToPath(import.meta.url), '../../testing/embedded-process.js')], {
    env: { ...process.env, EMBEDDED_PROCESS: JSON.stringify({ dataDir: join(dataDir, 'data'), collectorRoots: [dataDir], port: 0 }), OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data') as [Buffer];
  const url = line.toString().trim();
  const submitted = await fetch(`${url}/v1/jobs`, { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'traced' }, body: JSON.stringify({ workflow: 'brief', params: { docs: dataDir, question: 'What is a lamp?' } }) });
  const { job } = await submitted.json() as { job: string };
  assert.equal((await fetch(`${url}/v1/jobs/${job}/result?wait=60`)).status, 200);
  child.kill('SIGTERM');
  await once(child, 'exit');
  await receiver.close();
  rmSync(dataDir, { recursive: true });
  const trace = receiver.spans.find((span) => span.name === 'submit')?.traceId;
  assert.ok(trace !== undefined);
  const names = receiver.spans.filter((span) => span.traceId === trace).map((span) => span.name);
  for (const name of ['submit', 'decide', 'agent collector', 'agent planner', 'agent researcher', 'agent writer', 'agent reviewer']) assert.ok(names.includes(name), `${name} is in the trace: ${names.join(', ')}`);
});
