// A short storm over the Kafka adapter and the embedded log; `npm run log-anomalies` is the long one.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBroker } from '../../../infra/local/broker.js';
import { whatIsMissing } from '../../../infra/local/for-tests.js';
import { anomalyReport, anomalyText } from './anomaly-report.js';
import { embeddedStorm } from './embedded-storm.js';
import { kafkaStorm } from './kafka-storm.js';

// A broker of its own, because it is killed: one that KAFKA_BROKERS names is not ours.
const skip = (await whatIsMissing({ kafka: true })) ?? false;

test('the Kafka adapter shows no anomaly while requests and replies are lost, members come and go, and the broker is killed', { skip, timeout: 240_000 }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'log-anomalies-'));
  const broker = await startBroker({ security: 'none', dir, extraProperties: { 'group.min.session.timeout.ms': '1000' } });
  try {
    const { operations, losses } = await kafkaStorm({ broker, prefix: 'storm.', forMs: 12_000, kills: 1, random: Math.random });
    const report = anomalyReport(operations);
    t.diagnostic(`${losses} requests or replies lost; ${anomalyText(report)}`);
    assert.deepEqual(report.anomalies, []);
    assert.ok(losses > 0 && report.ok > 50 && report.unknown + report.refused > 0 && report.toMembers > 0, anomalyText(report));
  } finally {
    await broker.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('the embedded log shows no anomaly through kill -9 at any point', { timeout: 120_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'log-anomalies-'));
  const report = anomalyReport(await embeddedStorm({ directory, kills: 6, random: Math.random }));
  t.diagnostic(anomalyText(report));
  assert.deepEqual(report.anomalies, []);
  assert.ok(report.ok > 20 && report.toMembers > 0);
  rmSync(directory, { recursive: true, force: true });
});
