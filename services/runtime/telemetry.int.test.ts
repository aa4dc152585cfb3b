import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { otlpReceiver, type ReceivedSpan } from '../testing/otlp-receiver.js';
import { currentTraceparent, noSpan, telemetryMode, withSpan, type Span } from './telemetry.js';

const run = promisify(execFile);
const moduleUrl = new URL('./telemetry.js', import.meta.url).href;

/** Runs a script as a process of its own, with this module as `telemetry`. */
async function service(script: string, env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const source = `const telemetry = await import(${JSON.stringify(moduleUrl)});\n${script}`;
  return run(process.execPath, ['--input-type=module', '-e', source], { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 30_000 });
}

describe('telemetry', () => {
  it('joins spans of two processes in one trace through a traceparent string', async () => {
    const receiver = await otlpReceiver();
    try {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
      const producer = await service(`
        const started = await telemetry.startTelemetry({ service: 'ingress' });
        let envelope = '';
        telemetry.withSpan('submit', { tenant: 'acme' }, '', () => telemetry.withSpan('append', { 'messaging.operation.type': 'send' }, '', () => { envelope = telemetry.currentTraceparent(); }));
        await started.stop();
        process.stdout.write(envelope);`, env);
      assert.match(producer.stdout, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      await service(`
        const started = await telemetry.startTelemetry({ service: 'orchestrator' });
        await telemetry.withSpan('decide', { 'messaging.operation.type': 'process' }, process.env.ENVELOPE, async (span) => {
          span.set({ facts: 2 });
          await telemetry.withSpan('chat m', { 'gen_ai.operation.name': 'chat' }, '', async () => { throw Object.assign(new Error('sk-PLANTED'), { code: 'MODEL_UNAVAILABLE' }); }).catch(() => {});
        });
        telemetry.withSpan('orphan', null, 'not-a-traceparent', () => 0);
        await started.stop();`, { ...env, ENVELOPE: producer.stdout });
      const by = (name: string): ReceivedSpan => receiver.spans.find((span) => span.name === name) ?? assert.fail(`no span ${name}`);
      const [submit, append, decide, chat, orphan] = [by('submit'), by('append'), by('decide'), by('chat m'), by('orphan')];
      assert.deepEqual([submit, append, decide, chat, orphan].map((span) => span.service), ['ingress', 'ingress', 'orchestrator', 'orchestrator', 'orchestrator']);
      assert.equal(new Set([submit, append, decide, chat].map((span) => span.traceId)).size, 1);
      assert.deepEqual([append.parentSpanId, decide.parentSpanId, chat.parentSpanId, submit.parentSpanId], [submit.spanId, append.spanId, decide.spanId, '']);
      assert.notEqual(orphan.traceId, submit.traceId);
      assert.deepEqual([append.kind, decide.kind, chat.kind], [4, 5, 3]);
      assert.deepEqual([chat.status, chat.attributes['error.type'], decide.status], [2, 'MODEL_UNAVAILABLE', 0]);
      assert.equal(Number(decide.attributes['facts']), 2);
      assert.doesNotMatch(JSON.stringify(receiver.spans), /PLANTED/);
      assert.ok(receiver.paths.every((path) => path === '/v1/traces'), receiver.paths.join());
    } finally {
      await receiver.close();
    }
  });

  it('loads nothing of OpenTelemetry when it is off', async () => {
    const { stdout } = await service(`
      const { createRequire } = await import('node:module');
      const started = await telemetry.startTelemetry({ service: 'x' });
      telemetry.withSpan('a', null, '', () => 1);
      const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('@opentelemetry'));
      process.stdout.write(JSON.stringify([started.mode, loaded.length, telemetry.currentTraceparent(), telemetry.currentTraceId()]));`, {});
    assert.deepEqual(JSON.parse(stdout), ['off', 0, '', '']);
  });

  it('does see the packages when it is on, so that the test above can fail', async () => {
    const { stdout, stderr } = await service(`
      const { createRequire } = await import('node:module');
      const started = await telemetry.startTelemetry({ service: 'x' });
      telemetry.withSpan('a', null, '', () => 1);
      await started.stop();
      process.stdout.write(String(Object.keys(createRequire(process.cwd() + '/x.js').cache).filter((file) => file.includes('@opentelemetry')).length));`, { BLACKBOARD_TRACES: 'console' });
    assert.ok(Number(stdout) > 100, stdout);
    assert.match(stderr, /"span":"a"/);
  });

  it('gives the one constant span and allocates nothing when it is off', async () => {
    const seen = new Set<Span>();
    const rounds = 1_000_000;
    const body = (span: Span): number => { seen.add(span); return 1; };
    for (let round = 0; round < rounds; round += 1) withSpan('a', null, '', body);
    assert.deepEqual([...seen], [noSpan]);
    const { stdout } = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', `
      const { withSpan } = await import(${JSON.stringify(moduleUrl)});
      const body = () => 1;
      const loop = () => { for (let round = 0; round < ${rounds}; round += 1) withSpan('a', null, '', body); };
      loop(); gc();
      const before = process.memoryUsage().heapUsed;
      // The best of three: one may fall into a moment in which the machine stands still.
      const took = [1, 2, 3].map(() => { const started = performance.now(); loop(); return performance.now() - started; });
      process.stdout.write(JSON.stringify([process.memoryUsage().heapUsed - before, Math.min(...took) * 1e6 / ${rounds}]));`]);
    const [grown, nanoseconds] = JSON.parse(stdout) as [number, number];
    assert.ok(grown < rounds, `${grown} bytes for ${rounds} calls`);
    assert.ok(nanoseconds < 1000, `${nanoseconds} ns a call`);
  });

  it('passes results, rejections and throws through when it is off', async () => {
    assert.equal(withSpan('a', null, '', () => 7), 7);
    await assert.rejects(withSpan('a', null, '', () => Promise.reject(new Error('no'))), /no/);
    assert.throws(() => withSpan('a', null, '', () => { throw new Error('no'); }), /no/);
    assert.equal(currentTraceparent(), '');
  });

  it('is off unless an endpoint or the console is asked for', () => {
    assert.equal(telemetryMode({}), 'off');
    assert.equal(telemetryMode({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }), 'off');
    assert.equal(telemetryMode({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' }), 'otlp');
    assert.equal(telemetryMode({ BLACKBOARD_TRACES: 'console' }), 'console');
    assert.equal(telemetryMode({ BLACKBOARD_TRACES: 'console', OTEL_SDK_DISABLED: 'true' }), 'off');
  });
});
