import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '../../../../topics/topics.js';
import { MemberPositions } from './member-positions.js';

const { quarantine, verified } = topicNames();

function started(wanted: number): { positions: MemberPositions; judge: (first: number, records?: number) => string } {
  const positions = new MemberPositions([quarantine, verified]);
  positions.gain(2);
  const position = positions.get(quarantine, 2)!;
  position.state = 'running';
  position.wanted = wanted;
  return { positions, judge: (first, records = 1) => positions.judge(positions.get(quarantine, 2), first, records) };
}

test('delivers batches that follow one another', () => {
  const { judge, positions } = started(10);
  assert.equal(judge(10, 5), 'deliver');
  assert.equal(judge(15, 1), 'deliver');
  assert.equal(positions.get(quarantine, 2)!.wanted, 16);
});

test('asks once again for a batch that begins elsewhere, and halts at the second', () => {
  for (const stray of [9, 12]) {
    const { judge } = started(10);
    assert.equal(judge(stray), 'seekAgain');
    assert.equal(judge(stray), 'halt');
  }
});

test('forgets a stray batch when the wanted one came', () => {
  const { judge } = started(10);
  assert.equal(judge(7), 'seekAgain');
  assert.equal(judge(10), 'deliver');
  assert.equal(judge(7), 'seekAgain');
});

test('ignores what comes for a partition that is not started, or lost', () => {
  const { positions, judge } = started(10);
  assert.equal(positions.judge(positions.get(verified, 2), 0, 1), 'ignore');
  positions.lose(2);
  assert.equal(judge(10), 'ignore');
  assert.deepEqual(positions.held(), []);
});
