import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askTogether } from './ask-together.js';

describe('asking together', () => {
  it('asks once for all that wait, answers each its own, and gathers what comes meanwhile', async () => {
    const rounds: number[] = [];
    const double = askTogether(async (numbers: readonly number[]) => {
      rounds.push(numbers.length);
      await new Promise((resolve) => setImmediate(resolve));
      return numbers.map((number) => 2 * number);
    }, 1000);
    const first = Array.from({ length: 50 }, (_, number) => double(number));
    await Promise.resolve();
    await Promise.resolve();
    const later = [double(100), double(101)];
    assert.deepEqual(await Promise.all(first), Array.from({ length: 50 }, (_, number) => 2 * number));
    assert.deepEqual(await Promise.all(later), [200, 202]);
    assert.equal(await double(7), 14, 'it rests and begins again');
    assert.deepEqual(rounds, [50, 2, 1]);
  });

  it('asks for no more than may be asked at once', async () => {
    const rounds: number[] = [];
    const echo = askTogether(async (words: readonly string[]) => { rounds.push(words.length); return words; }, 2);
    assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd', 'e'].map((word) => echo(word))), ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(rounds, [2, 2, 1]);
  });

  it('throws to each who asked, and answers those who ask after', async () => {
    let tries = 0;
    const ask = askTogether(async (words: readonly string[]) => { if ((tries += 1) === 1) throw new Error('away'); return words; }, 10);
    const [one, two] = await Promise.allSettled([ask('x'), ask('y')]);
    assert.equal(one?.status, 'rejected');
    assert.equal(two?.status, 'rejected');
    assert.equal(await ask('z'), 'z');
  });
});
