// An embedded log under kill -9: one process after the other has it open, sends and reads, and is killed at any point.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { topicNames } from '../../../topics/topics.js';
import { openEmbeddedLog } from '../../runtime/log/embedded/embedded-log.js';
import type { Operation } from './history.js';
import { readEverything } from './random-load.js';
import { OperationRecorder } from './recorded-log.js';

const child = fileURLToPath(new URL('./embedded-child.js', import.meta.url));
const partitions = 4;

/** @param kills processes that run and are killed, one after the other. */
export async function embeddedStorm({ directory, kills, random }: { readonly directory: string; readonly kills: number; readonly random: () => number }): Promise<readonly Operation[]> {
  const operations: Operation[] = [];
  for (let kill = 0; kill < kills; kill += 1) operations.push(...await runUntilKilled([child, directory, `process-${kill}`, String(partitions)], 30 + random() * 300));
  const { quarantine, verified } = topicNames();
  const topics = [quarantine, verified];
  const log = await openEmbeddedLog({ directory, topics: topics.map((name) => ({ name, partitions })) });
  const recorder = new OperationRecorder('reader of all');
  await readEverything(log, recorder, { topics, partitions });
  await log.close();
  return [...operations, ...recorder.operations].sort((a, b) => a.beganAt - b.beganAt);
}

async function runUntilKilled(args: readonly string[], afterMs: number): Promise<readonly Operation[]> {
  const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  let isOpen = false;
  running.stdout.on('data', (bytes: Buffer) => { chunks.push(bytes); isOpen = true; });
  const ended = new Promise((resolve) => { running.on('close', resolve); });
  while (!isOpen && running.exitCode === null) await sleep(2);
  await sleep(afterMs);
  running.kill('SIGKILL');
  await ended;
  // The last line may be cut; what it was about had then only begun, or its end was told to nobody.
  const lines = Buffer.concat(chunks).toString().split('\n').slice(1, -1);
  const byId = new Map<string, Operation>();
  for (const line of lines) {
    const operation = JSON.parse(line) as Operation & { readonly id: number };
    byId.set(`${operation.process} ${operation.id}`, { ...operation, endedAt: operation.endedAt ?? Infinity });
  }
  return [...byId.values()];
}
