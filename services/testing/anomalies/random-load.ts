// Clients that send and read at random for a while: writers with several batches under way, members of a group that
// come and go, and followers without a group. What they meet of errors is theirs to live with.

import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../../../topics/topics.js';
import type { LogPort, Member } from '../../runtime/log/port.js';
import { placeOf, readToEnd, recordedLog, type OperationRecorder } from './recorded-log.js';

export interface LoadOptions {
  readonly topics: readonly TopicName[];
  readonly partitions: number;
  readonly random: () => number;
  /** Ends the load. */
  readonly stopped: AbortSignal;
}

/** Bytes of a record: large enough that a proxy can tell a request that holds some from a heartbeat. */
const valueBytes = 600;

/** Sends batches of one to five records, up to three at a time to a place, until it is stopped. */
export async function writeAtRandom(log: LogPort, recorder: OperationRecorder, { topics, partitions, random, stopped }: LoadOptions): Promise<void> {
  const recorded = recordedLog(log, recorder);
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (!stopped.aborted) {
      const topic = topics[Math.floor(random() * topics.length)] as TopicName;
      const partition = Math.floor(random() * partitions);
      const records = Array.from({ length: 1 + Math.floor(random() * 5) }, () => ({ key: Buffer.from('k'), value: Buffer.from(`${recorder.process}-${sent++}`.padEnd(valueBytes)) }));
      await recorded.append({ topic, partition, records }).catch(() => sleep(5 + random() * 40));
      if (random() < 0.3) await sleep(random() * 10);
    }
  };
  await Promise.all(Array.from({ length: partitions * 2 }, lane));
}

/** How far a group has come in each place, shared by those who follow one another in it. */
export type Progress = Map<string, number>;

/** Joins, reads, and leaves again after a while, over and over. Who gains a partition begins somewhat before where the group was. */
export async function readInGroup(log: LogPort, recorder: OperationRecorder, { topics, random, stopped }: LoadOptions, { group, progress, staysMs, sessionTimeoutMs }: { readonly group: string; readonly progress: Progress; readonly staysMs: number; readonly sessionTimeoutMs?: number }): Promise<void> {
  const recorded = recordedLog(log, recorder);
  const begin = (member: Member, topic: TopicName, partition: number): void => { member.start(topic, partition, Math.max(0, (progress.get(placeOf({ topic, partition })) ?? 0) - Math.floor(random() * 20))); };
  while (!stopped.aborted) {
    let isOver = false;
    const member = await recorded.join({
      group, topics, ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      onAssigned: ({ gained }, one) => { for (const partition of gained) for (const topic of topics) begin(one, topic, partition); },
      onBatch: (records) => {
        const last = records[records.length - 1];
        if (last !== undefined) progress.set(placeOf(last), last.offset + 1);
      },
      onHalt: () => { isOver = true; },
    }).catch(() => null);
    const untilMs = performance.now() + staysMs * (0.5 + random());
    while (member !== null && !isOver && !stopped.aborted && performance.now() < untilMs) await sleep(20);
    await member?.leave().catch(() => undefined);
    await sleep(random() * 100);
  }
}

/** Follows every partition without a group, from its beginning. */
export async function followAll(log: LogPort, recorder: OperationRecorder, { topics, partitions, random, stopped }: LoadOptions): Promise<void> {
  const next = new Map<string, number>();
  while (!stopped.aborted) {
    for (const topic of topics) {
      for (let partition = 0; partition < partitions && !stopped.aborted; partition += 1) {
        const place = placeOf({ topic, partition });
        next.set(place, (await readToEnd(log, recorder, { topic, partition, from: next.get(place) ?? 0 })).next);
      }
    }
    await sleep(20 + random() * 80);
  }
}

/** Everything there is, read once nothing disturbs any more: what is not in it is not in the log. */
export async function readEverything(log: Pick<LogPort, 'read'>, recorder: OperationRecorder, { topics, partitions }: Pick<LoadOptions, 'topics' | 'partitions'>): Promise<void> {
  for (const topic of topics) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const { error } = await readToEnd(log, recorder, { topic, partition, from: 0 });
      if (error !== null) throw error;
    }
  }
}
