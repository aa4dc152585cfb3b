// How long an owner takes to have its state again, and what an open job takes in memory, by the number of open jobs: each
// size in a process of its own, so that no heap is another's.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Figures } from '../w3/measure.js';

const program = fileURLToPath(new URL('../../services/testing/measure-restore.js', import.meta.url));

interface Said {
  readonly openJobs: number;
  readonly records: number;
  readonly tail: number;
  readonly isSameState: boolean;
  readonly base: string;
  readonly snapshotBytesPerJob: number;
  readonly takenFromTheBeginningMs: number;
  readonly restoreFromLogMs: number;
  readonly restoreFromSnapshotMs: number;
  readonly memoryBytesPerJobFromSnapshot: number;
}

/** @param jobs open in one partition; a fifth of them came after the snapshot. @throws when the two states differ. */
export async function restore(jobs: number): Promise<Figures> {
  const said = JSON.parse(await output(['--expose-gc', '--max-old-space-size=8192', program, '--jobs', String(jobs), '--tail', String(Math.min(20_000, Math.ceil(jobs / 5))), '--json'])) as Said;
  if (!said.isSameState || said.base !== 'snapshot') throw new Error(`a restore of ${jobs} open jobs gave another state, or used no snapshot: ${JSON.stringify(said)}`);
  return {
    openJobs: said.openJobs, records: said.records, tail: said.tail, snapshotSeconds: said.restoreFromSnapshotMs / 1000, logSeconds: said.restoreFromLogMs / 1000,
    takeSnapshotSeconds: said.takenFromTheBeginningMs / 1000, jobKb: said.memoryBytesPerJobFromSnapshot / 1024, snapshotBytesPerJob: said.snapshotBytesPerJob,
  };
}

function output(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [said, complained] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { complained += chunk.toString(); });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(said) : reject(new Error(`measuring a restore failed: ${complained.slice(-2_000)}`))));
  });
}
