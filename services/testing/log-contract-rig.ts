// What the log contract's tests share: one pair of topics that other tests have written to, unique groups, and a
// member that notes all that it is told.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicName } from '../../topics/topics.js';
import type { Appended, Assignment, LogPort, LogRecord, Member, RecordToAppend } from '../runtime/log/port.js';

export interface LogUnderTest {
  /** A log as another process would open it where the adapter allows several, otherwise a handle on the same one. */
  open(): Promise<LogPort>;
  /** Topics of `partitions` partitions each that nobody else writes to; they need not be empty. */
  readonly topics: { readonly a: TopicName; readonly b: TopicName };
  /** At least 2. */
  readonly partitions: number;
  dispose(): Promise<void>;
  readonly groupPrefix?: string;
  readonly sessionTimeoutMs?: number;
}

/** The log under test, opened once by the suite. */
export interface Rig {
  readonly subject: () => LogUnderTest;
  readonly log: () => LogPort;
}

export async function until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const startedMs = performance.now();
  while (!condition()) {
    if (performance.now() - startedMs > timeoutMs) assert.fail(`waited ${String(timeoutMs)} ms in vain for: ${what}`);
    await sleep(5);
  }
}

export function records(count: number, valueBytes = 20): RecordToAppend[] {
  return Array.from({ length: count }, () => ({ key: randomBytes(12), value: randomBytes(valueBytes) }));
}

export async function nextOf(log: LogPort, topic: TopicName, partition: number): Promise<number> {
  const range = (await log.ranges(topic)).find((one) => one.partition === partition);
  assert.ok(range !== undefined, `${topic} has no range of partition ${String(partition)}`);
  return range.next;
}

export async function readAll(log: LogPort, options: Parameters<LogPort['read']>[0]): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for await (const batch of log.read(options)) {
    assert.ok(batch.length > 0, 'a batch is never empty');
    found.push(...batch);
  }
  return found;
}

/** Every record that was appended is there, at its offset, with its bytes. */
export function assertHolds(found: readonly LogRecord[], { baseOffset, sent }: { baseOffset: number; sent: readonly RecordToAppend[] }): void {
  const byOffset = new Map(found.map((record) => [record.offset, record]));
  for (const [index, { key, value }] of sent.entries()) {
    const record = byOffset.get(baseOffset + index);
    assert.ok(record !== undefined, `no record at offset ${String(baseOffset + index)}`);
    assert.ok(record.key.equals(key) && record.value.equals(value), `other bytes at offset ${String(baseOffset + index)}`);
  }
}

export interface Sent extends Appended {
  readonly sent: readonly RecordToAppend[];
}

export async function send(log: LogPort, topic: TopicName, partition: number, sent: readonly RecordToAppend[]): Promise<Sent> {
  return { ...await log.append({ topic, partition, records: sent }), sent };
}

export interface ProbeOptions {
  readonly group: string;
  /** Where to start a gained partition; none: nothing is started. Default: what `ends` says. */
  readonly startAt?: (topic: TopicName, partition: number) => number | undefined;
  readonly bytesPerPartitionMax?: number;
  readonly onBatch?: (records: readonly LogRecord[]) => void;
}

/** A member that starts what it gains and remembers everything. */
export class Probe {
  readonly delivered: LogRecord[] = [];
  readonly assignments: Assignment[] = [];
  readonly halts: Error[] = [];
  readonly owned = new Set<number>();
  /** Records of partitions that were not started, or not owned. */
  readonly stray: LogRecord[] = [];
  member!: Member;

  static async join(rig: Rig, log: LogPort, options: ProbeOptions): Promise<Probe> {
    const probe = new Probe();
    const { topics, sessionTimeoutMs } = rig.subject();
    const both = [topics.a, topics.b];
    probe.member = await log.join({
      group: options.group,
      topics: both,
      onAssigned: (assignment, member) => {
        probe.assignments.push(assignment);
        for (const partition of assignment.lost) probe.owned.delete(partition);
        for (const partition of assignment.gained) {
          probe.owned.add(partition);
          for (const topic of both) {
            const offset = options.startAt?.(topic, partition);
            if (offset !== undefined) member.start(topic, partition, offset);
          }
        }
      },
      onBatch: (batch) => {
        probe.delivered.push(...batch);
        for (const record of batch) if (!probe.owned.has(record.partition)) probe.stray.push(record);
        options.onBatch?.(batch);
      },
      onHalt: (error) => { probe.halts.push(error); },
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      ...(options.bytesPerPartitionMax === undefined ? {} : { bytesPerPartitionMax: options.bytesPerPartitionMax }),
    });
    return probe;
  }

  of(topic: TopicName, partition: number): readonly LogRecord[] {
    return this.delivered.filter((record) => record.topic === topic && record.partition === partition);
  }

  offsets(topic: TopicName, partition: number): readonly number[] {
    return this.of(topic, partition).map(({ offset }) => offset);
  }

  ownsAll(partitions: number): Promise<void> {
    return until(`one member has all ${String(partitions)} partitions`, () => this.owned.size === partitions);
  }
}

export function uniqueGroup(rig: Rig): string {
  return `${rig.subject().groupPrefix ?? 'log-contract-'}${randomUUID()}`;
}

/** Ends of all partitions of both topics now, for `startAt`. */
export async function endsNow(rig: Rig): Promise<(topic: TopicName, partition: number) => number> {
  const { topics } = rig.subject();
  const ends = new Map<string, number>();
  for (const topic of [topics.a, topics.b]) for (const { partition, next } of await rig.log().ranges(topic)) ends.set(`${topic}/${String(partition)}`, next);
  return (topic, partition) => ends.get(`${topic}/${String(partition)}`) as number;
}

export function span(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
