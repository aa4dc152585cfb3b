import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countAnomalies, findAnomalies, type AnomalyOptions } from './find-anomalies.js';
import type { Operation, Polled, Sent, Value } from './history.js';

const place = 'log/0';
let clock = 0;

function operation(process: string, did: Partial<Pick<Operation, 'sends' | 'polls'>>): Operation {
  clock += 2;
  return { process, beganAt: clock, endedAt: clock + 1, sends: [], polls: [], ...did };
}

function send(process: string, values: readonly Value[], offset: number, over: Partial<Sent> = {}): Operation {
  return operation(process, { sends: [{ place, values, outcome: 'ok', offset, ...over }] });
}

function poll(process: string, read: readonly (readonly [number, Value])[], over: Partial<Polled> = {}): Operation {
  return operation(process, { polls: [{ place, mode: 'assign', session: 0, startedAt: -1, offsets: read.map(([offset]) => offset), values: read.map(([, value]) => value), ...over }] });
}

/** Everything was read, by somebody else than whom a test is about. */
const all = (...values: readonly Value[]): Operation => poll('reader of all', values.map((value, offset) => [offset, value]));

function found(history: readonly Operation[], options?: AnomalyOptions): Readonly<Record<string, number>> {
  return countAnomalies(findAnomalies(history, options));
}

describe('the search for anomalies of a log', () => {
  it('finds nothing in an honest history, whatever was unknown, refused, read again or not read by some', () => {
    assert.deepEqual(found([
      send('a', ['a1', 'a2'], 0), send('b', ['b1'], 2), send('a', ['lost'], -1, { outcome: 'unknown' }), send('b', ['late'], -1, { outcome: 'unknown' }), send('b', ['no'], -1, { outcome: 'refused' }),
      poll('c', [[0, 'a1'], [1, 'a2']]), poll('c', [[2, 'b1'], [3, 'late']]), poll('d', [[2, 'b1']]), all('a1', 'a2', 'b1', 'late'),
    ]), {});
  });

  const planted: readonly (readonly [string, string, readonly Operation[]])[] = [
    ['inconsistent-offsets', 'two readers see two values at one offset', [send('a', ['x'], 0), send('a', ['y'], -1, { outcome: 'unknown' }), all('x'), poll('c', [[0, 'y']])]],
    ['duplicate', 'one value stands at two offsets', [send('a', ['x'], 0), all('x', 'x')]],
    ['lost-write', 'an acknowledged value is missing where others read on', [send('a', ['x'], 0), send('a', ['y'], 1), poll('c', [[1, 'y']])]],
    ['unseen', 'an acknowledged value is never read', [send('a', ['x'], 0), send('a', ['y'], 1), all('x')]],
    ['G1a', 'a refused value is read', [send('a', ['x'], -1, { outcome: 'refused' }), all('x')]],
    ['unsent-read', 'a value is read that nobody sent', [all('x')]],
    ['internal-poll-skip', 'one delivery leaves something out', [send('a', ['x', 'y', 'z'], 0), all('x', 'y', 'z'), poll('c', [[0, 'x'], [2, 'z']], { mode: 'subscribe' })]],
    ['external-poll-skip', 'a reader goes on behind what was due', [send('a', ['x', 'y', 'z'], 0), all('x', 'y', 'z'), poll('c', [[0, 'x']]), poll('c', [[2, 'z']])]],
    ['internal-nonmonotonic-poll', 'one delivery goes back', [send('a', ['x', 'y'], 0), all('x', 'y'), poll('c', [[1, 'y'], [0, 'x']], { mode: 'subscribe' })]],
    ['external-nonmonotonic-poll', 'a reader goes back', [send('a', ['x', 'y'], 0), all('x', 'y'), poll('c', [[1, 'y']]), poll('c', [[0, 'x']])]],
    ['internal-nonmonotonic-send', 'a batch stands in another order', [send('a', ['x', 'y'], -1, { outcome: 'unknown' }), all('y', 'x')]],
    ['external-nonmonotonic-send', 'a later send of one sender stands before an earlier one', [send('a', ['x'], 1), send('a', ['y'], 0), all('y', 'x')]],
    ['G1c', 'a batch lies within another', [send('a', ['x', 'z'], -1, { outcome: 'unknown' }), send('b', ['y'], 1), all('x', 'y', 'z')]],
  ];
  for (const [name, what, history] of planted) {
    it(`finds ${name}: ${what}, and nothing else`, () => {
      assert.deepEqual(found(history), { [name]: 1 });
    });
  }

  it('finds G1c where two that answer what they read have each read the other', () => {
    const both = (process: string, reads: Value, readAt: string, writes: Value, writeAt: string): Operation => operation(process, {
      polls: [{ place: readAt, mode: 'assign', session: 0, startedAt: 0, offsets: [0], values: [reads] }], sends: [{ place: writeAt, values: [writes], outcome: 'ok', offset: 0 }],
    });
    assert.deepEqual(found([both('a', 'q', 'log/0', 'p', 'log/1'), both('b', 'p', 'log/1', 'q', 'log/0')]), { G1c: 1 });
    assert.deepEqual(found([send('c', ['q'], 0), both('a', 'q', 'log/0', 'p', 'log/1'), both('b', 'p', 'log/1', 'r', 'log/2'), poll('d', [[0, 'r']], { place: 'log/2' })]), {});
  });

  it('lets a member of a group skip and go back where the group told it anew where to begin, and nowhere else', () => {
    const history = (sessions: readonly [number, number], startedAt: number, mode: Polled['mode'] = 'subscribe'): readonly Operation[] => [
      send('a', ['x', 'y', 'z'], 0), all('x', 'y', 'z'),
      poll('c', [[1, 'y']], { mode, session: sessions[0], startedAt: 1 }), poll('c', [[0, 'x']], { mode, session: sessions[1], startedAt }),
    ];
    assert.deepEqual(found(history([1, 2], 0)), {});
    assert.deepEqual(found(history([1, 1], 1)), { 'external-nonmonotonic-poll': 1 });
    assert.deepEqual(found(history([1, 2], 2)), { 'external-nonmonotonic-poll': 1 }, 'told to begin at 2, it begins at 0');
    assert.deepEqual(found(history([1, 2], 0, 'assign')), { 'external-nonmonotonic-poll': 1 });
    assert.deepEqual(found([...history([1, 2], 0), poll('e', [[2, 'z']], { mode: 'subscribe', session: 7, startedAt: 0 })]), { 'external-poll-skip': 1 }, 'told to begin at 0, it begins at 2');
  });

  it('takes a gap in offsets for a skip only where something stands there', () => {
    assert.deepEqual(found([send('a', ['x'], 0), send('a', ['y'], 5), poll('c', [[0, 'x'], [5, 'y']])]), {});
  });

  it('asks for the order of overlapping sends only where the log promises it', () => {
    const [first, second] = [send('a', ['x'], 1), send('a', ['y'], 0)] as const;
    const history = [{ ...first, endedAt: second.endedAt }, second, all('y', 'x')];
    assert.deepEqual(found(history), {});
    assert.deepEqual(found(history, { inCallOrder: true }), { 'external-nonmonotonic-send': 1 });
  });
});
