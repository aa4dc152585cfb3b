import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FetchPace } from './fetch-pace.js';

/** Answers to fetches of a log that grows by `perMs` records at a time of `each`; resolves fetches that find nothing when something comes. */
function follow({ perMs, each, forMs, fetchMs }: { perMs: number; each: number; forMs: number; fetchMs: number }) {
  const pace = new FetchPace();
  const answers: number[] = [];
  const pauses: number[] = [];
  const waits: number[] = [];
  let read = 0;
  for (let nowMs = 0; nowMs < forMs;) {
    // When the next ones come, should all that is there be read.
    nowMs = Math.max(nowMs + fetchMs, ((read + each) / perMs));
    const written = Math.floor((nowMs * perMs) / each) * each;
    waits.push(nowMs - (read + each) / perMs);
    answers.push(written - read);
    const pauseMs = pace.pauseMs(written - read, nowMs);
    read = written;
    pauses.push(pauseMs);
    nowMs += pauseMs;
  }
  const settled = <T>(all: readonly T[]): readonly T[] => all.slice(Math.floor(all.length / 2));
  const mean = (all: readonly number[]): number => all.reduce((sum, value) => sum + value, 0) / all.length;
  return { records: mean(settled(answers)), pauseMs: Math.max(...pauses), settledPauseMs: Math.max(...settled(pauses)), waitMs: Math.max(...settled(waits)) };
}

test('never makes a job wait that runs alone, however little it does between its steps', () => {
  // Ten facts a job, by ones to fours, 5 ms a job.
  for (const each of [1, 2, 4]) assert.equal(follow({ perMs: 2, each, forMs: 2_000, fetchMs: 0.4 }).pauseMs, 0, `by ${each}`);
});

test('gathers some dozens of records where many come by few, and lets none wait longer than 12 ms and its fetch', () => {
  for (const perMs of [3, 5, 10, 30]) {
    const { records, waitMs } = follow({ perMs, each: 3, forMs: 2_000, fetchMs: 0.4 });
    assert.ok(records >= 32, `${perMs}/ms: ${records} a fetch`);
    assert.ok(waitMs < 12.5, `${perMs}/ms: waited ${waitMs} ms`);
  }
});

test('holds nobody up who goes on to read much at a time: a backlog, or what a fast writer makes', () => {
  assert.ok(follow({ perMs: 400, each: 400, forMs: 1_000, fetchMs: 1 }).settledPauseMs < 0.2);
});

test('forgets a crowd within a quarter of a second, and a long silence counts as one', () => {
  const pace = new FetchPace();
  assert.ok(pace.pauseMs(1_000, 0) > 0);
  assert.equal(pace.pauseMs(3, 250), 0);
  assert.ok(pace.pauseMs(1_000, 251) > 0);
  assert.equal(pace.pauseMs(0, 252), 0, 'nothing came: whoever asks again is made to wait by the broker');
  assert.equal(pace.pauseMs(3, 60_000), 0);
});

test('counts what comes in one instant', () => {
  const pace = new FetchPace();
  assert.equal(pace.pauseMs(1, 0), 0);
  let pauseMs = 0;
  for (let times = 0; times < 50; times += 1) pauseMs = pace.pauseMs(10, 0);
  assert.ok(pauseMs > 0 && pauseMs <= 12);
});
