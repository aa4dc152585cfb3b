import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { topicNames } from '../../../../topics/topics.js';
import { logContract } from '../../../testing/log-contract.js';
import { assertHolds, readAll, records, send } from '../../../testing/log-contract-rig.js';
import type { LogPort, LogRecord } from '../port.js';
import { openEmbeddedLog } from './embedded-log.js';

const { quarantine, verified } = topicNames();
const killTimes = 20;
const child = fileURLToPath(new URL('./append-until-killed.js', import.meta.url));
const newDirectory = (): string => mkdtempSync(join(tmpdir(), 'embedded-log-'));
const one = [{ name: verified, partitions: 4 }];

logContract('embedded', async () => {
  const directory = newDirectory();
  const log = await openEmbeddedLog({ directory, topics: [{ name: quarantine, partitions: 4 }, ...one] });
  // One process has one log open; the contract's further logs are handles on it that close on their own.
  const open = (): Promise<LogPort> => Promise.resolve(handle(log));
  return {
    open, topics: { a: quarantine, b: verified }, partitions: 4,
    dispose: async () => { await log.close(); rmSync(directory, { recursive: true }); },
  };
});

/** A part of the process that shares its log: closing it leaves its groups and takes no more appends. */
function handle(log: LogPort): LogPort {
  let closed = false;
  const members: { leave(): Promise<void> }[] = [];
  const underWay: Promise<unknown>[] = [];
  return {
    append: (batch) => {
      if (closed) return Promise.reject(Object.assign(new Error('closed'), { code: 'APPEND_REFUSED' }));
      const answer = log.append(batch);
      underWay.push(answer.catch(() => {}));
      return answer;
    },
    join: async (membership) => {
      const member = await log.join(membership);
      members.push(member);
      return member;
    },
    read: (options) => log.read(options),
    ranges: (topic) => log.ranges(topic),
    close: async () => {
      closed = true;
      await Promise.all(underWay);
      await Promise.all(members.map((member) => member.leave()));
    },
  };
}

/** Runs the appending child until it ends, or is killed after `killAfterMs`; its complete lines. */
async function runChild(args: readonly string[], killAfterMs?: number): Promise<string[]> {
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  process_.stdout.on('data', (bytes: Buffer) => { out += bytes.toString(); });
  const ended = new Promise((resolve) => { process_.on('close', resolve); });
  if (killAfterMs !== undefined) {
    while (!out.includes('\n') && process_.exitCode === null) await sleep(1);
    await sleep(killAfterMs);
    process_.kill('SIGKILL');
  }
  await ended;
  return out.split('\n').slice(0, -1);
}

function assertAcknowledged(found: readonly (readonly LogRecord[])[], lines: readonly string[]): void {
  for (const line of lines) {
    const [, partition = '', offset = '', key] = /^(\d+) (\d+) (.*)$/.exec(line) ?? [];
    assert.equal(found[Number(partition)]?.[Number(offset)]?.key.toString(), key, `the acknowledged batch "${line}" is not there`);
  }
}

function assertWholeBatches(partition: readonly LogRecord[]): void {
  for (let at = 0; at < partition.length;) {
    const [name = '', place = ''] = (partition[at] as LogRecord).key.toString().split(' ');
    const count = Number(place.split('/')[1]);
    for (let index = 0; index < count; index += 1, at += 1) {
      assert.equal(partition[at]?.offset, at, 'offsets are dense');
      assert.equal(partition[at]?.key.toString(), `${name} ${String(index)}/${String(count)}`, 'batches are whole');
    }
  }
}

async function readEverything(directory: string): Promise<LogRecord[][]> {
  const log = await openEmbeddedLog({ directory, topics: one });
  const found = await Promise.all([0, 1, 2, 3].map((partition) => readAll(log, { topic: verified, partition, from: 0 })));
  await log.close();
  return found;
}

test(`kill -9 at any point, ${String(killTimes)} times and more over one directory, loses nothing acknowledged and leaves whole batches only`, async () => {
  const directory = newDirectory();
  const acknowledged: string[] = [];
  // More often where the disk takes its time.
  for (let round = 0; round < killTimes || (acknowledged.length <= killTimes * 10 && round < killTimes * 10); round += 1) {
    acknowledged.push(...await runChild([child, directory, '384'], Math.random() * 120));
  }
  const found = await readEverything(directory);
  assert.ok(acknowledged.length > killTimes * 10, `only ${String(acknowledged.length)} batches were acknowledged`);
  assertAcknowledged(found, acknowledged);
  for (const partition of found) assertWholeBatches(partition);
  rmSync(directory, { recursive: true });
});

const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find(existsSync);

test('a disk that takes no more fails the append by name, and loses nothing acknowledged', { skip: prlimit === undefined ? 'prlimit is not installed' : false }, async () => {
  const directory = newDirectory();
  // With SIGXFSZ ignored, as Node has it, a write past the limit fails as on a full disk.
  const { lines, exitCode } = await new Promise<{ lines: string[]; exitCode: number | null }>((resolve) => {
    const limited = spawn(prlimit as string, ['--fsize=8388608', process.execPath, child, directory, '20000'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    limited.stdout.on('data', (bytes: Buffer) => { out += bytes.toString(); });
    limited.on('close', (code) => { resolve({ lines: out.split('\n').slice(0, -1), exitCode: code }); });
  });
  assert.match(lines.at(-1) ?? '', /^failed APPEND_(UNKNOWN|REFUSED) a write to the log failed/);
  assert.equal(exitCode, 0, 'the process outlives the failure and closes the log');
  const found = await readEverything(directory);
  assert.ok(lines.length > 20);
  assertAcknowledged(found, lines.filter((line) => !line.startsWith('failed')));
  for (const partition of found) assertWholeBatches(partition);
  const log = await openEmbeddedLog({ directory, topics: one });
  const sent = await send(log, verified, 0, records(2));
  assertHolds(await readAll(log, { topic: verified, partition: 0, from: sent.baseOffset }), sent);
  await log.close();
  rmSync(directory, { recursive: true });
});

test('one process at a time has the log open: others are told whose it is, and a killed holder blocks nobody', async () => {
  const directory = newDirectory();
  const holder = spawn(process.execPath, [child, directory, '384'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => { holder.stdout.once('data', resolve); });
  holder.stdout.resume();
  await assert.rejects(openEmbeddedLog({ directory, topics: one }), (error: Error & { code?: string; details?: { pid?: number } }) => {
    assert.equal(error.code, 'LOG_LOCKED');
    assert.equal(error.details?.pid, holder.pid);
    return true;
  });
  const ended = new Promise((resolve) => { holder.on('close', resolve); });
  holder.kill('SIGKILL');
  await ended;
  const log = await openEmbeddedLog({ directory, topics: one });
  await assert.rejects(openEmbeddedLog({ directory, topics: one }), { code: 'LOG_LOCKED' });
  const refused = `import(${JSON.stringify(new URL('./embedded-log.js', import.meta.url).href)}).then((m) => m.openEmbeddedLog({ directory: ${JSON.stringify(directory)}, topics: [] })).then(() => console.log('open'), (e) => console.log(e.code))`;
  assert.equal(execFileSync(process.execPath, ['-e', refused]).toString().trim(), 'LOG_LOCKED');
  await log.close();
  rmSync(directory, { recursive: true });
});

test('a partition count never changes: opening with another one is refused, and a new topic is made', async () => {
  const directory = newDirectory();
  await (await openEmbeddedLog({ directory, topics: one })).close();
  await assert.rejects(openEmbeddedLog({ directory, topics: [{ name: verified, partitions: 8 }] }), { code: 'TOPOLOGY_DRIFT' });
  const log = await openEmbeddedLog({ directory, topics: [...one, { name: quarantine, partitions: 2 }] });
  assert.equal((await log.ranges(quarantine)).length, 2);
  await log.close();
  rmSync(directory, { recursive: true });
});

test('records, ends and stored positions are the same after opening again', async () => {
  const directory = newDirectory();
  const first = await openEmbeddedLog({ directory, topics: one });
  const sent = await send(first, verified, 3, records(7));
  const join = async (log: LogPort) => log.join({ group: 'g', topics: [verified], onAssigned: () => {}, onBatch: () => {}, onHalt: assert.fail.bind(assert) as () => void });
  await (await join(first)).commit([{ topic: verified, partition: 3, offset: 5, metadata: 'epoch 4' }]);
  await first.close();
  const second = await openEmbeddedLog({ directory, topics: one });
  assert.deepEqual((await second.ranges(verified)).map(({ next }) => next), [0, 0, 0, 7]);
  assertHolds(await readAll(second, { topic: verified, partition: 3, from: 0 }), sent);
  assert.equal((await (await join(second)).committed(verified, [3])).get(3)?.metadata, 'epoch 4');
  assert.equal((await send(second, verified, 3, records(1))).baseOffset, 7);
  await second.close();
  rmSync(directory, { recursive: true });
});
