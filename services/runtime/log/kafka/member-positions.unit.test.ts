import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '../../../../topics/topics.js';
import { MemberPositions } from './member-positions.js';

const { quarantine, verified } = topicNames();

function started(wanted: number): MemberPositions {
  const positions = new MemberPositions([quarantine, verified]);
  positions.gain(2);
  const position = positions.get(quarantine, 2)!;
  position.wanted = wanted;
  position.starts = 1;
  return positions;
}

test('runs what is started and not paused, and nothing else', () => {
  const positions = started(10);
  assert.deepEqual(positions.running().map(({ topic, partition, wanted }) => [topic, partition, wanted]), [[quarantine, 2, 10]]);
  positions.get(quarantine, 2)!.paused = true;
  assert.deepEqual(positions.running(), []);
});

test('wants only what was asked for at the same offset, in the same start and the same assignment', () => {
  const positions = started(10);
  const position = positions.get(quarantine, 2)!;
  assert.equal(positions.isWanted(position, 10, 1), true);
  assert.equal(positions.isWanted(position, 9, 1), false);
  position.starts = 2;
  assert.equal(positions.isWanted(position, 10, 1), false);
  positions.lose(2);
  positions.gain(2);
  Object.assign(positions.get(quarantine, 2)!, { wanted: 10, starts: 2 });
  assert.equal(positions.isWanted(position, 10, 2), false);
});

test('loses a partition of all topics at once', () => {
  const positions = started(10);
  assert.deepEqual(positions.held(), [2]);
  positions.lose(2);
  assert.deepEqual(positions.held(), []);
  assert.deepEqual(positions.running(), []);
});
