// Kafka's own load generator (org.apache.kafka.tools.ProducerPerformance), from Maven beside the broker's jars.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchKafka, intoCache, kafkaVersionWanted, sayOnStderr } from '../../infra/local/fetch.js';
import { javaFlags, javaProgram } from '../../infra/local/java-server.js';
import { startLeashed, tailOf } from '../../infra/local/leashed-process.js';
import type { Figures } from '../w3/measure.js';

const run = promisify(execFile);
const deadlineMs = 120_000;

/** Records of 384 bytes, acks of all. @param topic that exists. */
export async function producerPerf(bootstrap: string, topic: string, records: number): Promise<Figures> {
  const [java, broker, tools] = await Promise.all([javaProgram(), fetchKafka({}), kafkaTools()]);
  const scratchDir = mkdtempSync(join(tmpdir(), 'blackboard-producer-perf-'));
  const logFile = join(scratchDir, 'said.log');
  // On a leash: without a broker it tries for ever, and a run that is ended leaves it without one.
  const child = await startLeashed({
    command: java, logFile, orphanSignal: 'KILL', scratchDir,
    args: [
      ...javaFlags({ heapMb: 256, fullSpeed: true }), '-cp', `${broker}/*:${tools}/*`, 'org.apache.kafka.tools.ProducerPerformance',
      '--topic', topic, '--num-records', String(records), '--record-size', '384', '--throughput', '-1', '--producer-props', `bootstrap.servers=${bootstrap}`, 'acks=all',
    ],
  });
  const timer = setTimeout(() => child.signal('SIGKILL'), deadlineMs);
  await child.exited;
  clearTimeout(timer);
  const said = tailOf(logFile);
  rmSync(scratchDir, { recursive: true, force: true });
  const perS = /records sent, ([\d.,]+) records\/sec/.exec(said.split('\n').at(-1) ?? '')?.[1];
  if (perS === undefined) throw new Error(`producer-perf said no rate: ${said.slice(-500)}`);
  return { producerPerfPerS: Number(perS.replace(',', '.')) };
}

function kafkaTools(): Promise<string> {
  const name = `kafka-tools-${kafkaVersionWanted()}`;
  return intoCache(name, {
    label: `${name} (0.7 MB)`, say: sayOnStderr,
    isWhole: (folder) => readdirSync(folder).includes(`${name}.jar`),
    fill: async (folder) => void await run('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=org.apache.kafka:kafka-tools:${kafkaVersionWanted()}`, `-DoutputDirectory=${folder}`]),
  });
}
