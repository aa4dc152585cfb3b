import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hotFunctionsOf, type CpuProfile } from './profiles.js';

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });
const build = 'file:///somewhere/dist/';
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 6] }, { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('judge', `${build}services/orchestrator/judge.js`, 9), children: [4, 5] },
    { id: 4, callFrame: frame('decode', 'file:///somewhere/node_modules/avsc/lib/types.js', 99) }, { id: 5, callFrame: frame('hash', 'node:crypto') },
    { id: 6, callFrame: frame('(garbage collector)') },
  ],
  samples: [2, 3, 4, 4, 5, 6], timeDeltas: [9_000, 1_000, 3_000, 3_000, 2_000, 1_000],
};

test('shares are of the time a process was busy, the largest first, by function and by package', () => {
  const { busySeconds, functions, packages } = hotFunctionsOf('orchestrator', profile, build);
  assert.equal(busySeconds, 0.01);
  assert.deepEqual(functions, [{ name: 'decode avsc/lib/types.js:100', share: 0.6 }, { name: 'hash node:crypto:1', share: 0.2 }, { name: 'judge services/orchestrator/judge.js:10', share: 0.1 }, { name: '(garbage collector)', share: 0.1 }]);
  assert.deepEqual(packages.map(({ name }) => name), ['avsc', 'node', 'blackboard', '(garbage collector)']);
});

test('a frame lies below its caller, within its width, and idle time is nobody\'s', () => {
  const { frames } = hotFunctionsOf('orchestrator', profile, build);
  const named = (name: string) => frames.find((found) => found.name === name) ?? assert.fail(name);
  assert.deepEqual(frames.filter(({ depth }) => depth === 0).map(({ name }) => name), ['judge', '(garbage collector)']);
  assert.deepEqual([named('judge').from, named('judge').to, named('decode').from, named('decode').to, named('hash').depth], [0, 0.9, 0, 0.6, 1]);
  assert.equal(frames.some(({ name }) => name === '(idle)'), false);
});
