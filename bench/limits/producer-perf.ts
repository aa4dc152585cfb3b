// Kafka's own load generator (org.apache.kafka.tools.ProducerPerformance), from Maven beside the broker's jars.

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { fetchKafka, intoCache, kafkaVersionWanted, sayOnStderr } from '../../infra/local/fetch.js';
import { javaFlags, javaProgram } from '../../infra/local/java-server.js';
import type { Figures } from '../w3/measure.js';

const run = promisify(execFile);

/** Records of 384 bytes, acks of all. @param topic that exists. */
export async function producerPerf(bootstrap: string, topic: string, records: number): Promise<Figures> {
  const [java, broker, tools] = await Promise.all([javaProgram(), fetchKafka({}), kafkaTools()]);
  const { stdout } = await run(java, [
    ...javaFlags({ heapMb: 256, fullSpeed: true }), '-cp', `${broker}/*:${tools}/*`, 'org.apache.kafka.tools.ProducerPerformance',
    '--topic', topic, '--num-records', String(records), '--record-size', '384', '--throughput', '-1', '--producer-props', `bootstrap.servers=${bootstrap}`, 'acks=all',
  ]);
  const perS = /records sent, ([\d.,]+) records\/sec/.exec(stdout.trim().split('\n').at(-1) ?? '')?.[1];
  if (perS === undefined) throw new Error(`producer-perf said no rate: ${stdout.slice(-500)}`);
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
