// `npm run log-anomalies -- [--seconds 120] [--only kafka|embedded]`: looks for the anomalies of logs on a real broker
// under a storm, and on the embedded log under kill -9.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Option } from 'commander';
import { startBroker } from '../../../infra/local/broker.js';
import { developmentCommand, wholeNumber } from '../development-command.js';
import { anomalyReport, anomalyText } from './anomaly-report.js';
import { embeddedStorm } from './embedded-storm.js';
import { kafkaStorm } from './kafka-storm.js';

const values = developmentCommand('log-anomalies', "Jepsen's anomalies of logs, looked for in what clients of a real broker in a storm, and of the embedded log under kill -9, sent and saw. Ends with 1 when one is found.", [
  'npm run log-anomalies -- --seconds 30', 'npm run log-anomalies -- --only embedded',
])
  .addOption(wholeNumber('--seconds <n>', 'length of the storm', 1, 120))
  .addOption(new Option('--only <log>', 'one of the two').choices(['kafka', 'embedded']))
  .parse().opts<{ seconds: number; only?: 'kafka' | 'embedded' }>();
const { seconds } = values;
let found = 0;

if (values.only !== 'embedded') {
  const dir = mkdtempSync(join(tmpdir(), 'log-anomalies-'));
  const broker = await startBroker({ security: 'none', dir, extraProperties: { 'group.min.session.timeout.ms': '1000' } });
  try {
    const { operations, losses, kills } = await kafkaStorm({ broker, prefix: 'storm.', forMs: seconds * 1_000, kills: Math.max(1, Math.round(seconds / 20)), random: Math.random });
    const report = anomalyReport(operations);
    console.log(`kafka: ${seconds} s, broker killed ${kills} times, ${losses} requests or replies lost\n${anomalyText(report)}`);
    found += report.anomalies.length;
  } finally {
    await broker.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
if (values.only !== 'kafka') {
  const directory = mkdtempSync(join(tmpdir(), 'log-anomalies-'));
  const kills = Math.max(5, Math.round(seconds / 2));
  const report = anomalyReport(await embeddedStorm({ directory, kills, random: Math.random }));
  console.log(`embedded: ${kills} processes killed with -9\n${anomalyText(report)}`);
  found += report.anomalies.length;
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = found === 0 ? 0 : 1;
