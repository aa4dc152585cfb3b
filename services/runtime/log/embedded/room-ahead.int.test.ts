import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { topicNames } from '../../../../topics/topics.js';
import { assertHolds, readAll, records, send, until } from '../../../testing/log-contract-rig.js';
import { openEmbeddedLog } from './embedded-log.js';
import { RoomAhead } from './room-ahead.js';

const { verified: topic } = topicNames();
const mebibyte = 1024 * 1024;
const newDirectory = (): string => mkdtempSync(join(tmpdir(), 'room-ahead-'));

test('the file of a log is longer than what is in it, and holds what was appended, also after it was opened again', async () => {
  const directory = newDirectory();
  const topics = [{ name: topic, partitions: 1 }];
  let log = await openEmbeddedLog({ directory, topics });
  const sent = [await send(log, topic, 0, records(1))];
  await until('room', () => statSync(join(directory, 'log.mdb')).size > 4 * mebibyte);
  for (let turn = 0; turn < 100; turn += 1) sent.push(await send(log, topic, 0, records(2, 60_000)));
  await log.close();
  assert.ok(statSync(join(directory, 'log.mdb')).size > 11 * mebibyte);
  log = await openEmbeddedLog({ directory, topics });
  const found = await readAll(log, { topic, partition: 0, from: 0 });
  assert.equal(found.length, 201);
  for (const one of sent) assertHolds(found, one);
  await log.close();
  rmSync(directory, { recursive: true });
});

test('what is there is not written to, and no more is made while there is enough', async () => {
  const directory = newDirectory();
  const log = await openEmbeddedLog({ directory, topics: [] });
  await log.close();
  const file = join(directory, 'log.mdb');
  truncateSync(file, 2 * mebibyte);
  let used = mebibyte / 2;
  const room = new RoomAhead(file, () => used);
  await room.make();
  assert.equal(statSync(file).size, 2 * mebibyte);
  used = 1.5 * mebibyte;
  await room.make();
  assert.equal(statSync(file).size, 6 * mebibyte);
  await assert.doesNotReject(new RoomAhead(join(directory, 'gone'), () => used).make(), 'where no room is to be had, commits go on without');
  rmSync(directory, { recursive: true });
});
