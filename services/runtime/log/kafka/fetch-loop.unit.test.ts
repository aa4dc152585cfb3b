import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
import { topicNames } from '../../../../topics/topics.js';
import type { ClusterLink } from './cluster-link.js';
import { FetchLoop } from './fetch-loop.js';
import type { RunningPosition } from './member-positions.js';

const position: RunningPosition = { topic: topicNames().verified, partition: 0, wanted: 0, paused: false, starts: 1 };
const notLeader = 6;

/** A loop over one partition of a cluster that is only told of: who leads, which brokers fail, and what an answer holds. */
function loopOver(cluster: { leader: string; failing: ReadonlySet<string>; records?: () => readonly unknown[] }) {
  const told: unknown[] = [];
  const failures = new Map<string, number>();
  let answers = 0;
  const broker = (nodeId: string) => ({ connectionPool: { send: async () => {
    await sleep(2);
    if (!cluster.failing.has(nodeId)) {
      answers += 1;
      return [{ errorCode: 0, records: cluster.records?.() ?? [] }];
    }
    failures.set(nodeId, (failures.get(nodeId) ?? 0) + 1);
    throw createErrorFromCode(notLeader);
  } } });
  const nothing = async (): Promise<void> => undefined;
  const known = { addMultipleTargetTopics: nothing, refreshMetadata: nothing, findLeaderForPartitions: () => ({ [cluster.leader]: [0] }), findBroker: async ({ nodeId }: { nodeId: string }) => broker(nodeId) };
  const link = { once: (work: (of: unknown) => Promise<unknown>) => work(known), close: () => undefined } as unknown as ClusterLink;
  const loop = new FetchLoop({
    link, topics: [position.topic], bytesPerPartitionMax: 1_000, patience: { waitMs: 1, bytesMin: 1, bytesMax: 1_000 },
    running: () => [position], onRecords: () => undefined, onOutOfRange: () => undefined, onTrouble: (error) => { told.push(error); }, onError: (error) => { throw error; },
  });
  loop.wake();
  const failed = async (nodeId: string, times: number): Promise<void> => { while ((failures.get(nodeId) ?? 0) < times) await sleep(2); };
  const answered = async (): Promise<void> => { while (answers === 0) await sleep(2); };
  return { loop, told, failed, answered };
}

test('tells of a leader that fails for long, and not of one that fails once, led nothing for long, and fails once more', { timeout: 20_000 }, async () => {
  let laterMs = 0;
  const now = performance.now.bind(performance);
  const moved = mock.method(performance, 'now', () => now() + laterMs);
  const cluster = { leader: 'one', failing: new Set(['one']) };
  const { loop, told, failed, answered } = loopOver(cluster);
  try {
    await failed('one', 1);
    cluster.leader = 'two';
    await answered();
    await sleep(200);
    laterMs += 60_000;
    cluster.leader = 'one';
    await failed('one', 3);
    assert.equal(told.length, 0);
    laterMs += 60_000;
    await failed('one', 5);
    assert.equal(told.length, 1);
  } finally {
    loop.stop();
    moved.mock.restore();
  }
});

test('leaves a leader alone for a while at which much comes, so that an answer brings dozens', { timeout: 20_000 }, async () => {
  const perMs = 10;
  const answers: number[] = [];
  let sinceMs = performance.now();
  const { loop } = loopOver({ leader: 'one', failing: new Set(), records: () => {
    const count = Math.floor((performance.now() - sinceMs) * perMs);
    sinceMs += count / perMs;
    answers.push(count);
    return Array.from({ length: count });
  } });
  try {
    while (answers.length < 40) await sleep(5);
  } finally {
    loop.stop();
  }
  const settled = answers.slice(20);
  // An answer takes 2 ms, in which twenty come.
  assert.ok(settled.reduce((sum, count) => sum + count, 0) / settled.length >= 50, settled.join(' '));
});
