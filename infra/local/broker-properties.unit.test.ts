import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokerProperties, type BrokerSettings } from './broker-properties.js';

const settings: BrokerSettings = {
  dataDir: '/data',
  ports: { client: 1, internal: 2, controller: 3 },
  numPartitions: 4,
  flushEveryMessage: false,
  extraProperties: {},
};

function lines(changed: Partial<BrokerSettings> = {}): string[] {
  return brokerProperties({ ...settings, ...changed }).trimEnd().split('\n');
}

test('every listener is on the loopback alone', () => {
  const listeners = lines().filter((line) => /^(advertised\.)?listeners=/.test(line));
  assert.equal(listeners.length, 2);
  for (const address of listeners.flatMap((line) => line.slice(line.indexOf('=') + 1).split(','))) assert.match(address, /^[A-Z]+:\/\/127\.0\.0\.1:\d$/);
});

test('with SCRAM no listener is open, and who has no right has none', () => {
  const scram = lines({ scram: { superUser: 'admin', internal: { name: 'internal', password: 'p' } } });
  assert.equal(scram.some((line) => line.includes(':PLAINTEXT')), false);
  assert.ok(scram.includes('allow.everyone.if.no.acl.found=false'));
  assert.ok(scram.includes('super.users=User:admin;User:internal'));
});

test('an extra property wins over ours, once', () => {
  const retention = lines({ flushEveryMessage: true, extraProperties: { 'log.flush.interval.messages': '7' } }).filter((line) => line.startsWith('log.flush.interval.messages='));
  assert.deepEqual(retention, ['log.flush.interval.messages=7']);
});
