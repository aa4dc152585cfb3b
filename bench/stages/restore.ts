// How long an owner takes to have its state again, and what a job takes in memory, by the number of jobs that are open, or
// that have ended and are remembered: each size in a process of its own, so that no heap is another's.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Figures } from '../w3/measure.js';

const program = fileURLToPath(new URL('../../services/testing/measure-restore.js', import.meta.url));

interface Said {
  readonly openJobs: number;
  readonly endedJobs: number;
  readonly records: number;
  readonly tail: number;
  readonly isSameState: boolean;
  readonly base: string;
  readonly snapshotBytesPerJob: number;
  readonly takenFromTheBeginningMs: number;
  readonly restoreFromLogMs: number;
  readonly restoreFromSnapshotMs: number;
  /** As it is once jobs have ended one by one. */
  readonly memoryBytesPerJobFromLog: number;
  readonly memoryBytesPerJobFromSnapshot: number;
}

/** @param jobs open in one partition; a fifth of them came after the snapshot. @throws when the two states differ. */
export async function restore(jobs: number): Promise<Figures> {
  const said = await measured(['--jobs', String(jobs), '--tail', String(Math.min(20_000, Math.ceil(jobs / 5)))]);
  return {
    openJobs: said.openJobs, records: said.records, tail: said.tail, snapshotSeconds: said.restoreFromSnapshotMs / 1000, logSeconds: said.restoreFromLogMs / 1000,
    takeSnapshotSeconds: said.takenFromTheBeginningMs / 1000, jobKb: said.memoryBytesPerJobFromSnapshot / 1024, snapshotBytesPerJob: said.snapshotBytesPerJob,
  };
}

/** @param jobs that have ended in one partition and are remembered; next to nothing came after the snapshot. @throws when the two states differ. */
export async function restoreEnded(jobs: number): Promise<Figures> {
  const { endedJobs, memoryBytesPerJobFromLog, snapshotBytesPerJob, restoreFromSnapshotMs } = await measured(['--jobs', '0', '--ended', String(jobs), '--tail', '100']);
  return { endedJobs, endedJobBytes: memoryBytesPerJobFromLog, endedSnapshotBytes: snapshotBytesPerJob, endedRestoredPerS: endedJobs / (restoreFromSnapshotMs / 1000) };
}

async function measured(args: readonly string[]): Promise<Said> {
  const said = JSON.parse(await output(['--expose-gc', '--max-old-space-size=8192', program, ...args, '--json'])) as Said;
  if (!said.isSameState || said.base !== 'snapshot') throw new Error(`a restore (${args.join(' ')}) gave another state, or used no snapshot: ${JSON.stringify(said)}`);
  return said;
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
