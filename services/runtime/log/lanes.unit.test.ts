import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lanes, type LanesOptions } from './lanes.js';

function rig(over: Partial<LanesOptions> = {}) {
  const pressure: boolean[] = [];
  const started: string[] = [];
  const finish = new Map<string, () => void>();
  const lanes = new Lanes({ concurrency: 2, countHigh: 100, countLow: 50, bytesHigh: 1000, bytesLow: 500, onPressure: (isHigh) => pressure.push(isHigh), ...over });
  const submit = (key: string, name: string, bytes = 1) => {
    const task = { key, bytes, run: () => new Promise<void>((resolve) => { started.push(name); finish.set(name, resolve); }) };
    lanes.submit(task);
    return task;
  };
  const end = async (name: string) => {
    finish.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { lanes, submit, started, end, pressure };
}

test('runs tasks of one key one after another and other keys meanwhile', async () => {
  const { submit, started, end } = rig();
  submit('a', 'a1');
  submit('a', 'a2');
  submit('b', 'b1');
  assert.deepEqual(started, ['a1', 'b1']);
  await end('a1');
  assert.deepEqual(started, ['a1', 'b1', 'a2']);
  await end('b1');
  await end('a2');
});

test('never runs more tasks at once than the bound, and takes keys in order of arrival', async () => {
  const { submit, started, end, lanes } = rig();
  for (const name of ['a', 'b', 'c', 'd']) submit(name, name);
  assert.deepEqual(started, ['a', 'b']);
  await end('b');
  assert.deepEqual(started, ['a', 'b', 'c']);
  for (const name of ['a', 'c', 'd']) await end(name);
  assert.deepEqual(lanes.stats, { waiting: 0, running: 0, bytes: 0, isHigh: false });
});

test('asks for a pause at the high mark of count and lets the source go on at the low one', async () => {
  const { submit, pressure, end } = rig({ concurrency: 1, countHigh: 3, countLow: 1 });
  for (const name of ['a', 'b', 'c', 'd']) submit(name, name);
  assert.deepEqual(pressure, [true]);
  for (const name of ['a', 'b']) await end(name);
  assert.deepEqual(pressure, [true]);
  await end('c');
  assert.deepEqual(pressure, [true, false]);
  await end('d');
});

test('asks for a pause at the high mark of bytes as well', async () => {
  const { submit, pressure, end } = rig();
  submit('a', 'a', 600);
  submit('b', 'b', 600);
  assert.deepEqual(pressure, [true]);
  await end('a');
  assert.deepEqual(pressure, [true]);
  await end('b');
  assert.deepEqual(pressure, [true, false]);
});

test('does not run a task that was taken back, and counts it no more', async () => {
  const { submit, started, end, lanes } = rig({ concurrency: 1 });
  submit('a', 'a1');
  const taken = submit('a', 'a2');
  submit('a', 'a3');
  lanes.cancel(taken);
  lanes.cancel(taken);
  assert.equal(lanes.stats.waiting, 1);
  await end('a1');
  assert.deepEqual(started, ['a1', 'a3']);
  await end('a3');
  assert.equal(lanes.stats.waiting, 0);
});

test('is idle when nothing waits or runs', async () => {
  const { submit, end, lanes } = rig();
  submit('a', 'a');
  let idle = false;
  void lanes.idle().then(() => { idle = true; });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(idle, false);
  await end('a');
  assert.equal(idle, true);
});
