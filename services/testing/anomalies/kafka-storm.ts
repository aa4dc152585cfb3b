// A real broker under a storm: writers, members and followers whose connections lose requests and replies, members
// that come and go, and a broker that is killed and started again. Answers what its clients saw.

import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalBroker } from '../../../infra/local/broker.js';
import { applyTopics } from '../../../infra/topics/apply.js';
import { topicNames } from '../../../topics/topics.js';
import type { LogPort } from '../../runtime/log/port.js';
import { FaultProxy, type ProxyMode } from '../../runtime/log/kafka/fault-proxy.js';
import { kafkaLog, type KafkaLogOptions } from '../../runtime/log/kafka/kafka-log.js';
import type { Operation } from './history.js';
import { followAll, readEverything, readInGroup, writeAtRandom, type LoadOptions, type Progress } from './random-load.js';
import { OperationRecorder } from './recorded-log.js';

export interface KafkaStormOptions {
  readonly broker: LocalBroker;
  readonly prefix: string;
  readonly forMs: number;
  /** Kills of the broker, spread over the time. */
  readonly kills: number;
  readonly random: () => number;
}

export interface StormReport {
  readonly operations: readonly Operation[];
  readonly losses: number;
  readonly kills: number;
}

const partitions = 4;
/** Load goes on for a while when the storm is over: what it broke must come back. */
const calmMs = 4_000;
const modes: readonly ProxyMode[] = ['cutOnReply', 'loseReplies', 'pass', 'refuse', 'loseAll'];
/** Writers give up soon, so that many outcomes are unknown; readers wait. */
const impatient = { sendTimeoutMs: 3_000, requestTimeoutMs: 800 } as const;

export async function kafkaStorm({ broker, prefix, forMs, kills, random }: KafkaStormOptions): Promise<StormReport> {
  const direct = { brokers: [broker.bootstrap], clientId: 'storm' };
  await applyTopics(direct, { prefix, partitions, replication: 1, profile: 'local' });
  const names = topicNames(prefix);
  const stop = new AbortController();
  const load: LoadOptions = { topics: [names.quarantine, names.verified], partitions, random, stopped: stop.signal };
  const proxies = await Promise.all(Array.from({ length: 3 }, () => FaultProxy.open({ host: '127.0.0.1', port: broker.port })));
  const recorders: OperationRecorder[] = [];
  const logs: LogPort[] = [];
  const open = (name: string, proxy?: FaultProxy, patience: Partial<KafkaLogOptions> = {}): readonly [LogPort, OperationRecorder] => {
    const log = kafkaLog({ ...direct, ...patience, ...(proxy === undefined ? {} : { translateAddress: () => proxy.address }) });
    const recorder = new OperationRecorder(name);
    logs.push(log);
    recorders.push(recorder);
    return [log, recorder];
  };
  const progress: Progress = new Map();
  const group = { group: names.prefix + 'storm', progress, sessionTimeoutMs: 6_000 };
  const clients = [
    ...proxies.map((proxy, index) => writeAtRandom(...open(`writer-${index}`, proxy, impatient), load)),
    readInGroup(...open('member-0', proxies[0], { requestTimeoutMs: 2_000 }), load, { ...group, staysMs: forMs / 3 }),
    readInGroup(...open('member-1'), load, { ...group, staysMs: forMs / 2 }),
    readInGroup(...open('member-2'), load, { ...group, staysMs: 3_000 }),
    followAll(...open('follower'), load),
    followAll(...open('follower behind faults', proxies[2], { requestTimeoutMs: 2_000 }), load),
  ];
  const untilMs = performance.now() + forMs;
  const storms = [...proxies.map((proxy) => storm(proxy, random, () => performance.now() > untilMs)), killer(broker, { kills, forMs })];
  await Promise.all(storms);
  for (const proxy of proxies) proxy.mode = 'pass';
  await sleep(calmMs);
  stop.abort();
  await Promise.all(clients);
  const [reader, recorder] = open('reader of all');
  await readEverything(reader, recorder, load);
  await Promise.all(logs.map((log) => log.close()));
  await Promise.all(proxies.map((proxy) => proxy.close()));
  return { operations: recorders.flatMap((one) => one.operations).sort((a, b) => a.beganAt - b.beganAt), losses: proxies.reduce((sum, proxy) => sum + proxy.losses, 0), kills };
}

async function storm(proxy: FaultProxy, random: () => number, isOver: () => boolean): Promise<void> {
  // Requests that hold records, and at times everything.
  while (!isOver()) {
    proxy.requestBytesMin = random() < 0.8 ? 600 : 0;
    proxy.mode = modes[Math.floor(random() * modes.length)] as ProxyMode;
    await sleep(20 + random() * 200);
    proxy.mode = 'pass';
    if (random() < 0.3) proxy.cutAll();
    await sleep(50 + random() * 300);
  }
}

async function killer(broker: LocalBroker, { kills, forMs }: { readonly kills: number; readonly forMs: number }): Promise<void> {
  const beganMs = performance.now();
  for (let kill = 1; kill <= kills; kill += 1) {
    await sleep(Math.max(0, beganMs + (forMs * kill) / (kills + 1) - performance.now()));
    broker.kill();
    await broker.restart();
  }
}
