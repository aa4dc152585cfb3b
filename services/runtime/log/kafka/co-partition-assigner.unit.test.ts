import assert from 'node:assert/strict';
import { test } from 'node:test';
import { share } from './co-partition-assigner.js';

const partitions = (count: number): number[] => Array.from({ length: count }, (_, partition) => partition);

function even(shares: ReadonlyMap<string, readonly number[]>, count: number): void {
  const sizes = [...shares.values()].map((own) => own.length);
  assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `sizes ${sizes.join()}`);
  assert.deepEqual([...shares.values()].flat().sort((left, right) => left - right), partitions(count));
}

test('gives each partition to exactly one member, in even shares, for any number of both', () => {
  for (let count = 1; count <= 9; count++) {
    for (let members = 1; members <= 6; members++) {
      even(share(partitions(count), Array.from({ length: members }, (_, member) => ({ memberId: `m${member}`, held: [] }))), count);
    }
  }
});

test('moves only what a new member must get', () => {
  const before = share(partitions(8), [{ memberId: 'a', held: [] }, { memberId: 'b', held: [] }]);
  const after = share(partitions(8), [{ memberId: 'c', held: [] }, ...[...before].map(([memberId, held]) => ({ memberId, held }))]);
  even(after, 8);
  const moved = [...before].flatMap(([memberId, held]) => held.filter((partition) => !after.get(memberId)!.includes(partition)));
  assert.equal(moved.length, 2);
});

test('leaves everybody what they hold when a member goes', () => {
  const after = share(partitions(9), [{ memberId: 'a', held: [0, 1, 2] }, { memberId: 'b', held: [3, 4, 5] }]);
  even(after, 9);
  assert.ok([0, 1, 2].every((partition) => after.get('a')!.includes(partition)));
  assert.ok([3, 4, 5].every((partition) => after.get('b')!.includes(partition)));
});

test('gives a partition that two members claim to one of them, and one that is not there to nobody', () => {
  const after = share(partitions(4), [{ memberId: 'a', held: [0, 1, 2, 3, 99] }, { memberId: 'b', held: [0, 1] }]);
  even(after, 4);
});

test('does not depend on the order in which the members are named', () => {
  const members = [{ memberId: 'a', held: [3] }, { memberId: 'b', held: [] }, { memberId: 'c', held: [0, 1] }];
  assert.deepEqual(share(partitions(5), members), share(partitions(5), [...members].reverse()));
});
