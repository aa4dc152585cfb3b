// What a member that asked for it is given before the flush, and what nobody else may see.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { topicNames } from '../../../../topics/topics.js';
import { readAll, records, until } from '../../../testing/log-contract-rig.js';
import type { LogRecord, Membership } from '../port.js';
import { lockDirectory } from './directory-lock.js';
import { EmbeddedLog, openEmbeddedLog } from './embedded-log.js';
import { RecordFile } from './record-file.js';
import type { Commit } from './record-file.js';

const { quarantine, verified } = topicNames();
const topics = [{ name: quarantine, partitions: 1 }, { name: verified, partitions: 1 }];
const newDirectory = (): string => mkdtempSync(join(tmpdir(), 'before-durable-'));

/** A disk that takes its time: nothing is flushed, or fails, before the test says so. */
class SlowFile extends RecordFile {
  readonly waiting: { readonly commit: Commit; go(error?: Error): void }[] = [];

  override async store(commit: Commit): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.waiting.push({ commit, go: (error) => { if (error === undefined) resolve(); else reject(error); } });
    });
    await super.store(commit);
  }

  override storeNow(): void {
    assert.fail('the last commit took long: the next one is not waited for by this thread');
  }
}

async function openSlow(directory: string): Promise<{ log: EmbeddedLog; file: SlowFile }> {
  const file = new SlowFile(directory, topics);
  return { file, log: new EmbeddedLog(file, await lockDirectory(directory), { directory, topics }) };
}

/** Members of both topics from the beginning; they note what they are given. */
async function follow(log: EmbeddedLog, group: string, membership: Partial<Membership> = {}): Promise<readonly LogRecord[]> {
  const seen: LogRecord[] = [];
  await log.join({
    group, topics: [quarantine, verified],
    onAssigned: (_, member) => { for (const topic of [quarantine, verified]) member.start(topic, 0, 0); },
    onBatch: (batch) => { seen.push(...batch); },
    onHalt: assert.fail.bind(assert) as () => void,
    ...membership,
  });
  return seen;
}

const placesOf = (seen: readonly LogRecord[]): readonly string[] => seen.map(({ topic, offset }) => `${topic} ${String(offset)}`);

test('a record that is not flushed is given to the member that asked for it, of that topic alone, and is seen by nobody else', async () => {
  const directory = newDirectory();
  const { log, file } = await openSlow(directory);
  const [early, other] = [await follow(log, 'early', { beforeDurable: [quarantine] }), await follow(log, 'other')];
  let answered = 0;
  const appends = [quarantine, verified, quarantine].map((topic) => log.append({ topic, partition: 0, records: records(2) }).then(() => { answered += 1; }));
  await until('the early member', () => early.length >= 4);
  await until('a commit', () => file.waiting.length > 0);
  await sleep(50);
  assert.deepEqual(placesOf(early), [0, 1, 2, 3].map((offset) => `${quarantine} ${String(offset)}`));
  assert.deepEqual(other, []);
  assert.equal(answered, 0);
  for (const { name } of topics) {
    assert.equal((await log.ranges(name))[0]?.next, 0);
    assert.deepEqual(await readAll(log, { topic: name, partition: 0, from: 0 }), []);
  }
  file.waiting.shift()?.go();
  await Promise.all(appends);
  await until('the other member', () => other.length >= 6);
  await until('the facts', () => early.length >= 6);
  assert.deepEqual(await readAll(log, { topic: quarantine, partition: 0, from: 0 }), early.filter(({ topic }) => topic === quarantine));
  await log.close();
  rmSync(directory, { recursive: true });
});

test('what an early member appends because of a record shares its commit, or comes behind it', async () => {
  const directory = newDirectory();
  const { log, file } = await openSlow(directory);
  const decisions: Promise<unknown>[] = [];
  await follow(log, 'early', {
    beforeDurable: [quarantine],
    onBatch: (batch) => { if (batch[0]?.topic === quarantine) decisions.push(log.append({ topic: verified, partition: 0, records: records(batch.length) })); },
  });
  const first = log.append({ topic: quarantine, partition: 0, records: records(1) });
  await until('a commit', () => file.waiting.length > 0);
  assert.deepEqual(file.waiting[0]?.commit.records.map(({ record }) => record.topic), [quarantine, verified]);
  const second = log.append({ topic: quarantine, partition: 0, records: records(1) });
  await until('the second decision', () => decisions.length === 2);
  file.waiting.shift()?.go();
  await first;
  await until('the next commit', () => file.waiting.length > 0);
  assert.deepEqual(file.waiting[0]?.commit.records.map(({ record }) => record.topic), [quarantine, verified]);
  file.waiting.shift()?.go();
  await Promise.all([second, ...decisions]);
  await log.close();
  rmSync(directory, { recursive: true });
});

test('a commit that fails takes with it what was appended because of it: nobody is given more, and no append follows', async () => {
  const directory = newDirectory();
  const { log, file } = await openSlow(directory);
  const early = await follow(log, 'early', { beforeDurable: [quarantine] });
  const append = (topic: typeof quarantine) => log.append({ topic, partition: 0, records: records(1) });
  const lost = assert.rejects(append(quarantine), { code: 'APPEND_UNKNOWN' });
  await until('a commit', () => file.waiting.length > 0);
  const behind = [assert.rejects(append(verified), { code: 'APPEND_REFUSED' }), assert.rejects(append(quarantine), { code: 'APPEND_REFUSED' })];
  file.waiting.shift()?.go(new Error('the disk is full'));
  await Promise.all([lost, ...behind]);
  const given = early.length;
  const late = await follow(log, 'late', { beforeDurable: [quarantine] });
  await assert.rejects(append(verified), { code: 'APPEND_REFUSED' });
  await sleep(50);
  assert.equal(early.length, given);
  assert.deepEqual(late, []);
  assert.equal((await log.ranges(quarantine))[0]?.next, 0);
  await log.close();
  const again = await openEmbeddedLog({ directory, topics });
  assert.equal((await again.append({ topic: quarantine, partition: 0, records: records(1) })).baseOffset, 0);
  await again.close();
  rmSync(directory, { recursive: true });
});

const child = fileURLToPath(new URL('./decide-until-killed.js', import.meta.url));

test('kill -9 at any point leaves no decision without the record that it decides, nor any out of order', async () => {
  const directory = newDirectory();
  let decided = 0;
  // More rounds where the disk takes its time.
  for (let round = 0; round < 10 || (decided <= 100 && round < 100); round += 1) {
    const process_ = spawn(process.execPath, [child, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => { process_.on('close', resolve); });
    await new Promise((resolve) => { process_.stdout.once('data', resolve); });
    process_.stdout.resume();
    await sleep(Math.random() * 100);
    process_.kill('SIGKILL');
    await ended;
    const log = await openEmbeddedLog({ directory, topics });
    const { next } = (await log.ranges(quarantine))[0] ?? { next: 0 };
    const decisions = (await readAll(log, { topic: verified, partition: 0, from: 0 })).map(({ value }) => Number(value.toString()));
    assert.deepEqual(decisions, Array.from(decisions, (_, index) => index));
    assert.ok(decisions.length <= next, `${String(decisions.length)} decisions of ${String(next)} records`);
    decided = decisions.length;
    await log.close();
  }
  assert.ok(decided > 100, `only ${String(decided)} decisions`);
  rmSync(directory, { recursive: true });
});
